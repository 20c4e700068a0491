"""What a plugin yields from a hook: the card that names a component and says where its code is."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from ssltoolbox.api.metrics import Metric
from ssltoolbox.api.needs import Need
from ssltoolbox.api.options import Options

API_VERSION = 2
"""Raised when a change breaks plugin authors; CHANGELOG.md has a heading of its own for it."""

OLDER_VERSIONS = (1,)
"""Versions whose plugins are still taken, by adapters."""

StepInput = Literal["view_b", "crops", "batch"]
"""What a method may ask for besides side A and the rows; see `StepInputs`."""


@dataclass(frozen=True, kw_only=True)
class Descriptor:
    """A component that recipes can name.

    Attributes:
        name: what a recipe calls it, in snake_case.
        summary: one line for `ssltoolbox plugins list`.
        target: `"package.module:Class"`; imported only when a run needs it.
        options: its options' model, free of torch.
        needs: what the data or the network must have for it, such as `label:au12`; see `Need`. What depends on
            options, `Options.also_needs` says.
        api: the API version that it was written for.
        notice: what anyone who uses it must know, such as the licence of a model that it brings, in one line;
            shown where it is used.
        names: of a family, such as timm's networks: gives the names of its members, without torch. It is called
            for a name that no other component has. Members share all else, so the target is told the name. A
            recipe may add a tag, `resnet50.a1_in1k`. The family's own `name` is no component.
        uses: keys of the recipe's section that not every component of the kind looks at, such as "momentum" of an
            optimiser; see `Kind.keys`. A recipe that sets one of the others is refused.

    Examples:
        >>> Descriptor(name="mirror", summary="The positive is the anchor, mirrored.",
        ...            target="my_package.mirror:Mirror", api=1).name
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
        pretrained: True if it can begin with weights of its own, by `weights: imagenet` in a recipe.
        library: "timm" where `timm.create_model` makes the same network of the same name; such networks can be
            exported for timm.
    """

    pretrained: bool = False
    library: Literal["timm"] | None = None


@dataclass(frozen=True, kw_only=True)
class MethodDescriptor(Descriptor):
    """A method of self-supervised learning.

    Attributes:
        negatives: where the negatives come from. None refuses negative samplers and maskers in a recipe.
        inputs: what `step` looks at besides side A and the rows; the rest is not computed. Without "view_b" no
            positives are read, and a recipe with positive generators is refused; without "crops" one with local
            crops is.
        positives: API 1's way to say that `step` looks at side A alone.
        weights: True for a method that counts hard negatives by `Rows.weight`. False refuses weights other than 1.
        trains: False for a method that leaves the backbone as it is.
    """

    negatives: Literal["batch", "queue"] | None
    inputs: frozenset[StepInput] = frozenset(("view_b",))
    positives: bool = True
    weights: bool = False
    trains: bool = True

    @property
    def pairs(self) -> bool:
        """True if side B is looked at."""
        return self.positives and "view_b" in self.inputs


@dataclass(frozen=True, kw_only=True)
class EvaluatorDescriptor(Descriptor):
    """A downstream task, and the numbers that it reports.

    Attributes:
        metrics: the numbers that tables show, in their order; the first one is the task's claim. Of a task that
            declares none, tables show all numbers, without a word on which way is better.
    """

    metrics: tuple[Metric, ...] = ()
