"""The contracts of optimisers and of schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class OptimiserSetting:
    """What a recipe says of its optimiser besides the optimiser's own options.

    Attributes:
        name: what the recipe calls it.
        lr: the highest learning rate; the engine changes that of each group by the schedule.
        weight_decay: of groups that have none of their own; the groups of the engine all have one.
        momentum, betas: only of optimisers that use these keys of the recipe.
        fused: True where one kernel for the whole update is wanted, if the optimiser has one.
    """

    name: str
    lr: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    fused: bool = False


class Optimiser(Protocol):
    """A `torch.optim.Optimizer`; a target is called as `Target(options, groups, setting)`: a class or a function.

    `groups` are torch's groups of parameters: dictionaries with `params`, `weight_decay`, perhaps an `lr` of their
    own, and what else a method gives them. What changes from step to step must be in `state_dict()`, so that an
    interrupted run resumes exactly; a checkpoint holds tensors and plain values only.

    Examples:
        >>> import torch
        >>> from ssltoolbox.api import Options, OptimiserSetting
        >>> def plain(options, groups, setting):
        ...     return torch.optim.SGD(groups, lr=setting.lr)
        >>> weight = torch.nn.Parameter(torch.ones(1))
        >>> plain(Options(), [{"params": [weight]}], OptimiserSetting("plain", lr=0.5)).defaults["lr"]
        0.5
    """

    param_groups: list[dict[str, Any]]

    def step(self, closure: Any = None) -> Any:
        """Changes the parameters by their gradients. A closure that is given must be called, with gradients on."""
        ...

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What changes from step to step."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from there."""
        ...


Groups = Iterable[Mapping[str, Any]]
"""Groups of parameters as torch's optimisers take them."""


@dataclass(frozen=True)
class ScheduleSetting:
    """What a schedule needs to know of a run.

    Attributes:
        steps: optimiser steps after the warm-up.
        steps_per_epoch: optimiser steps; 0 where the data could not be found.
        final_lr_fraction: where the rate ends, as a fraction of the highest one; only of schedules that use this
            key of the recipe.
    """

    steps: int
    steps_per_epoch: int = 0
    final_lr_fraction: float = 0.0


class Schedule(Protocol):
    """The learning rate over the steps after the warm-up. A target is called as `Target(options, setting)`.

    A rate depends on the step alone, so that a resumed run continues exactly. Its module is free of torch: `check`
    prints the rates.

    Examples:
        >>> from ssltoolbox.api import Options, ScheduleSetting
        >>> class Halves:
        ...     def __init__(self, options, setting):
        ...         self.steps = setting.steps
        ...     def factor(self, step):
        ...         return 1.0 if step < self.steps / 2 else 0.5
        >>> schedule = Halves(Options(), ScheduleSetting(steps=10))
        >>> schedule.factor(0), schedule.factor(9)
        (1.0, 0.5)
    """

    def factor(self, step: int) -> float:
        """What multiplies the highest learning rate at a step; 0 is the first step after the warm-up."""
        ...
