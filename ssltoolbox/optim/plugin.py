"""The built-in optimisers and schedules: their options, and the door that they come in by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import Field, model_validator

from ssltoolbox.api import Descriptor, OptionError, Options, hookimpl
from ssltoolbox.support.timm_names import timm_optimisers

OWN_OPTIONS = ("opt", "lr", "weight_decay", "param_group_fn", "layer_decay", "filter_bias_and_bn")


class TimmOptimiserOptions(Options, extra="allow"):
    """Further arguments for `timm.optim.create_optimizer_v2`, such as `betas` and `momentum`."""

    @model_validator(mode="after")
    def _none_of_our_own(self) -> Self:
        for option in OWN_OPTIONS:
            if option in (self.model_extra or {}):
                raise OptionError(f"{option} can't be set here", "see the keys of optim", options=(option,))
        return self


class StepOptions(Options):
    """When the learning rate falls, and by how much."""

    milestones: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = (0.6, 0.8)
    """The steps at which the learning rate falls, as rising fractions of the steps after the warm-up."""
    gamma: float = Field(default=0.1, gt=0, le=1)
    """The factor that multiplies the learning rate at each of them."""

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError("the milestones must rise")
        return self


class PolynomialOptions(Options):
    """How the learning rate falls."""

    power: float = Field(default=2.0, gt=0)
    """The exponent; 1 is a straight line."""


@hookimpl
def ssltoolbox_optimisers() -> Iterator[Descriptor]:
    for name, key, summary in (
        ("adamw", "betas", "Adam with decoupled weight decay (Loshchilov & Hutter 2019)."),
        ("adam", "betas", "Adam with an L2 penalty (Kingma & Ba 2015)."),
        ("sgd", "momentum", "Stochastic gradient descent with momentum."),
        ("lars", "momentum", "Layer-wise adaptive rates for large batches (You et al. 2017)."),
    ):
        target = f"ssltoolbox.optim.optimisers:{name}"
        yield Descriptor(name=name, summary=summary, target=target, uses=frozenset({key}), api=2)
    yield Descriptor(
        name="timm",
        summary="All optimisers of timm, by their timm names, such as lamb, lion or muon.",
        options=TimmOptimiserOptions,
        target="ssltoolbox.optim.optimisers:timm_optimiser",
        names=timm_optimisers,
        api=2,
    )


@hookimpl
def ssltoolbox_schedules() -> Iterator[Descriptor]:
    ends = frozenset({"final_lr_fraction"})
    at = "ssltoolbox.optim.schedules"
    yield Descriptor(
        name="cosine",
        summary="Falls along half a cosine to the final learning rate.",
        target=f"{at}:Cosine",
        uses=ends,
        api=2,
    )
    yield Descriptor(
        name="constant", summary="Stays at the highest learning rate.", target=f"{at}:Constant", api=2
    )
    yield Descriptor(
        name="linear",
        summary="Falls in a straight line to the final learning rate.",
        target=f"{at}:Linear",
        uses=ends,
        api=2,
    )
    yield Descriptor(
        name="polynomial",
        summary="Falls to the final learning rate as a power of the remaining share of the steps.",
        options=PolynomialOptions,
        target=f"{at}:Polynomial",
        uses=ends,
        api=2,
    )
    yield Descriptor(
        name="step",
        summary="Falls by a factor at given steps.",
        options=StepOptions,
        target=f"{at}:Step",
        api=2,
    )
