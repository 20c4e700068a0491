"""The hooks, one for each kind of component. A hook has no arguments and yields descriptors.

A plugin is a module with hooks: functions that are marked with `hookimpl`. A package names the module in the
entry-point group `ssltoolbox`:

    from ssltoolbox.api import Descriptor, hookimpl

    @hookimpl
    def ssltoolbox_positive_generators():
        yield Descriptor(name="mirror", summary="The positive is the anchor, mirrored.",
                         target="my_package.mirror:Mirror", api=2)
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from ssltoolbox.api.descriptors import BackboneDescriptor, Descriptor, MethodDescriptor

hookspec = pluggy.HookspecMarker("ssltoolbox")
hookimpl = pluggy.HookimplMarker("ssltoolbox")


class HookSpecs:
    """The hooks, one for each kind."""

    @hookspec
    def ssltoolbox_methods(self) -> Iterable[MethodDescriptor]:  # type: ignore[empty-body]
        """Methods of self-supervised learning; targets follow `Method`."""

    @hookspec
    def ssltoolbox_positive_generators(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Strategies that choose or change the positive of an anchor; targets follow `PositiveGenerator`."""

    @hookspec
    def ssltoolbox_negative_samplers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Strategies that choose hard negatives; options derive from `NegativeSamplerOptions`, targets follow
        `NegativeSampler`."""

    @hookspec
    def ssltoolbox_negative_maskers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Strategies that find false negatives; targets follow `NegativeMasker`."""

    @hookspec
    def ssltoolbox_auxiliary_losses(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Losses that are added to the loss of any method; options derive from `AuxiliaryLossOptions`, targets
        follow `AuxiliaryLoss`."""

    @hookspec
    def ssltoolbox_views(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Augmentation pipelines; options derive from `ViewOptions`, targets follow `View`."""

    @hookspec
    def ssltoolbox_backbones(self) -> Iterable[BackboneDescriptor]:  # type: ignore[empty-body]
        """Networks, those of timm too; targets make a `Backbone`."""

    @hookspec
    def ssltoolbox_optimisers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Optimisers, those of timm too; targets make an `Optimiser`."""

    @hookspec
    def ssltoolbox_schedules(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Schedules of the learning rate; targets make a `Schedule`."""

    @hookspec
    def ssltoolbox_callbacks(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Lightning callbacks, called at the events of training; targets make a `Callback`."""

    @hookspec
    def ssltoolbox_loggers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Loggers, which get the metrics of a run; targets make a `Logger`."""

    @hookspec
    def ssltoolbox_datasets(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Sources of face clips; options derive from `DatasetOptions`, targets follow `Dataset`."""

    @hookspec
    def ssltoolbox_landmark_detectors(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Detectors of the 68 landmarks of a face; targets follow `LandmarkDetector`."""

    @hookspec
    def ssltoolbox_evaluators(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Downstream tasks that measure features; targets follow `Evaluator` or `NetworkEvaluator`.

        An `EvaluatorDescriptor` declares metrics. `EvaluatorOptions` have the options `data` and `max_frames`.
        """
