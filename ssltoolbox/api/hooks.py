"""The hooks, one for each kind of component. A hook has no arguments and yields descriptors.

A plugin is a module, named in the entry-point group `ssltoolbox`, whose functions are marked with `hookimpl`:

    from ssltoolbox.api import Descriptor, hookimpl

    @hookimpl
    def ssltoolbox_positive_generators():
        yield Descriptor(name="mirror", summary="The positive is the anchor, mirrored.",
                         target="my_package.mirror:Mirror", api=1)
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
        """Strategies that choose or change the positive of an anchor; see `PositiveGenerator`."""

    @hookspec
    def ssltoolbox_negative_samplers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Strategies that draw hard negatives; options derive from `NegativeSamplerOptions`."""

    @hookspec
    def ssltoolbox_negative_maskers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Strategies that find false negatives; see `NegativeMasker`."""

    @hookspec
    def ssltoolbox_auxiliary_losses(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Losses that are added to that of any method; see `AuxiliaryLoss`."""

    @hookspec
    def ssltoolbox_views(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Augmentation pipelines; options derive from `ViewOptions`, targets follow `View`."""

    @hookspec
    def ssltoolbox_backbones(self) -> Iterable[BackboneDescriptor]:  # type: ignore[empty-body]
        """Networks; targets make a `Backbone`. timm's come in here too."""

    @hookspec
    def ssltoolbox_optimisers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Optimisers; targets make an `Optimiser`. timm's come in here too."""

    @hookspec
    def ssltoolbox_schedules(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """The learning rate over the steps; targets make a `Schedule`."""

    @hookspec
    def ssltoolbox_callbacks(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Lightning callbacks, called at the events of training; targets make a `Callback`."""

    @hookspec
    def ssltoolbox_loggers(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Where metrics go besides metrics.csv; targets make a `Logger`."""

    @hookspec
    def ssltoolbox_datasets(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Sources of face clips; options derive from `DatasetOptions`, targets follow `Dataset`."""

    @hookspec
    def ssltoolbox_landmark_detectors(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Finders of the 68 landmarks in an image; targets follow `LandmarkDetector`."""

    @hookspec
    def ssltoolbox_evaluators(self) -> Iterable[Descriptor]:  # type: ignore[empty-body]
        """Downstream tasks that measure features; targets follow `Evaluator`."""
