"""The contracts of optimisers and of schedules of the learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class OptimiserSetting:
    """What a recipe says about its optimiser, besides the optimiser's own options.

    Attributes:
        name: the name in the recipe.
        lr: the highest learning rate. The engine changes the rate of each group by the schedule.
        weight_decay: weight decay of groups without one. All groups that come from the engine have one.
        momentum: value of the recipe; only if `Descriptor.uses` contains it.
        betas: values of the recipe, in the same way.
        fused: True if the optimiser should update all weights in one kernel, if it can.
    """

    name: str
    lr: float
    weight_decay: float = 0.0
    momentum: float = 0.9
    betas: tuple[float, float] = (0.9, 0.999)
    fused: bool = False


class Optimiser(Protocol):
    """A `torch.optim.Optimizer`. A target, a class or a function, is called as `Target(options, groups, setting)`.

    `groups` are torch's groups of parameters: dictionaries with `params`, `weight_decay`, and optionally `lr` and
    other settings from the method. All state that changes from step to step must be in `state_dict()`, so that an
    interrupted run resumes exactly. It may contain only tensors and plain values.

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
        """Updates the parameters by their gradients. If there is a closure, calls it first, with gradients on."""
        ...

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Clears the gradients: sets them to None, or to 0."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """The state that changes from step to step."""
        ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores a state of `state_dict()`."""
        ...


Groups = Iterable[Mapping[str, Any]]
"""Groups of parameters as torch's optimisers take them."""


@dataclass(frozen=True)
class ScheduleSetting:
    """What a schedule needs to know about a run.

    Attributes:
        steps: optimiser steps after the warm-up.
        steps_per_epoch: optimiser steps of an epoch; 0 if the data could not be found.
        final_lr_fraction: the last learning rate, as a fraction of the highest one; only if `Descriptor.uses`
            contains it.
    """

    steps: int
    steps_per_epoch: int = 0
    final_lr_fraction: float = 0.0


class Schedule(Protocol):
    """The learning rate over the steps after the warm-up. A target is called as `Target(options, setting)`.

    The rate must depend only on the step, so that a resumed run continues exactly. The module of the target must
    not import torch, because `check` prints the rates.

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
        """The factor of the highest learning rate at a step. Step 0 is the first one after the warm-up."""
        ...
