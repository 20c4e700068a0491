"""Descriptors, which plugins yield from their hooks: the name, options and code of a component."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from ssltoolbox.api.metrics import Metric
from ssltoolbox.api.needs import Need
from ssltoolbox.api.options import Options

API_VERSION = 2
"""Incremented when a change breaks plugins; CHANGELOG.md describes these changes under "Plugin API"."""

OLDER_VERSIONS = (1,)
"""Older versions of the API whose plugins still work, through adapters."""

StepInput = Literal["view_b", "crops", "batch"]
"""What a method may ask for, besides side A and the rows; see `StepInputs`."""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A component that recipes can name.

    Attributes:
        name: the name in a recipe, in snake_case.
        summary: one line for `ssltoolbox plugins list`.
        target: `"package.module:Class"`; imported only when a run needs it.
        options: the class of the options; its module must not import torch.
        needs: what the component needs of the data or the network, such as `label:au12`; see `Need`. Needs that
            depend on options are in `Options.also_needs`.
        api: the API version that the component was written for.
        notice: one line that every user of the component must know, such as the licence of a model that comes
            with it; shown wherever the component is used.
        names: for a family of components, such as timm's networks: returns the names of the members, without
            importing torch. It is called for a name in a recipe that no other component has. The members share
            this descriptor, and the target's setting has the member's name. A recipe may add a tag, as in
            `resnet50.a1_in1k`. A recipe can't use the family's own `name`.
        uses: keys that the component reads, out of those that only some components of the kind read, such as
            "momentum" of an optimiser; see `Kind.keys`. A recipe that sets another of these keys is rejected.

    Examples:
        >>> Descriptor(name="mirror", summary="The positive is the anchor, mirrored.",
        ...            target="my_package.mirror:Mirror", api=2).name
        'mirror'
    """

    name: str
    summary: str
    target: str
    api: int
    options: type[Options] = Options
    needs: frozenset[Need] = frozenset()
    notice: str = ""
    names: Callable[[], Collection[str]] | None = None
    uses: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class BackboneDescriptor(Descriptor):
    """A network that can be trained.

    Attributes:
        pretrained: True if the network can load pretrained weights, for `weights: imagenet` in a recipe.
        library: "timm" if `timm.create_model` makes the same network by the same name. Such networks can be
            exported for timm.
    """

    pretrained: bool = False
    library: Literal["timm"] | None = None


@dataclass(frozen=True, kw_only=True)
class MethodDescriptor(Descriptor):
    """A method of self-supervised learning.

    Attributes:
        negatives: where the negatives come from. With None, negative samplers and maskers in a recipe are
            rejected.
        inputs: the inputs that `step` uses besides side A and the rows; others are not computed. Without "view_b"
            no positives are read, and positive generators are rejected; without "crops", local crops are
            rejected.
        positives: False, in API 1, for a method that uses only side A.
        weights: True for a method that weighs hard negatives by `Rows.weight`. With False, weights other than 1
            are rejected.
        trains: False for a method that does not train the backbone.
        whole_backbone: False for a method that calls layers of the backbone, and not the backbone as a whole.
            `trainer.chunk_size` is then rejected.
    """

    negatives: Literal["batch", "queue"] | None
    inputs: frozenset[StepInput] = frozenset(("view_b",))
    positives: bool = True
    weights: bool = False
    trains: bool = True
    whole_backbone: bool = True

    @property
    def pairs(self) -> bool:
        """True if the method uses side B."""
        return self.positives and "view_b" in self.inputs


@dataclass(frozen=True, kw_only=True)
class EvaluatorDescriptor(Descriptor):
    """A downstream task and its metrics.

    Attributes:
        metrics: the metrics that tables show, in order; claims use the first one. If there are none, tables show
            all numbers of the results, without saying which direction is better.
    """

    metrics: tuple[Metric, ...] = ()
