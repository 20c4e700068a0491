"""Steps, epochs and the schedule of the learning rate, shared by the plan and the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from ssltoolbox.api import Options, Schedule, ScheduleSetting, UserError
from ssltoolbox.recipe import Optim
from ssltoolbox.registry import Provided


@dataclass(frozen=True)
class LearningRate:
    """The schedule of the learning rate over optimiser steps.

    Attributes:
        provided: the schedule after the warm-up.
        options: the schedule's.
        setting: what the schedule is made with.
        lr: the highest rate.
        warmup: steps of linear growth at the start.
    """

    provided: Provided
    options: Options
    setting: ScheduleSetting
    lr: float
    warmup: int

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.warmup + self.setting.steps

    @cached_property
    def _schedule(self) -> Schedule:
        target = self.provided.load()
        with self.provided.blamed_for("making it"):
            schedule: Schedule = target(self.options, self.setting)
        return schedule

    def factor(self, step: int) -> float:
        """The rate at a step as a fraction of `lr`; step 0 is the first.

        Raises:
            UserError: where the schedule can't be made, or gives no number of at least 0.
        """
        if step < self.warmup:
            return (step + 1) / self.warmup
        with self.provided.blamed_for("factor()"):
            factor = float(self._schedule.factor(step - self.warmup))
        if not 0 <= factor < math.inf:
            raise UserError(
                f"{self.provided.title} gives {factor} at step {step}, not a number of at least 0"
            )
        return factor


@dataclass(frozen=True)
class Counts:
    """Numbers of steps, draws and images of a run.

    Attributes:
        instances: instances of an optimiser step over all ranks: the recipe's batch size.
        compared: instances that meet each other in the loss: M over all ranks, `instances / accumulate`.
        draws: draws of an optimiser step over all ranks.
        hard_negatives: K of each draw.
        images: images of an optimiser step: the sides of every instance that the method uses.
        steps_per_epoch, steps: optimiser steps.
        epochs: epochs of the run, a fraction where the recipe names steps.
    """

    instances: int
    compared: int
    draws: int
    hard_negatives: int
    images: int
    steps_per_epoch: int
    steps: int
    epochs: float


USUAL_BATCH = 256
"""Instances for which `optim.lr` holds if it is scaled (Goyal et al., Accurate, Large Minibatch SGD, 2017)."""


def scaled_lr(optim: Optim, instances: int) -> float:
    """The highest learning rate for a batch of that many instances.

    Source: linear, Goyal et al. 2017 and Chen et al. 2020 (SimCLR, with LARS); by the square root, You et al. 2020
    (LAMB).

    Examples:
        >>> scaled_lr(Optim(lr=0.3, lr_scaling="linear"), 1024)
        1.2
        >>> scaled_lr(Optim(lr=0.3, lr_scaling="sqrt"), 1024)
        0.6
        >>> scaled_lr(Optim(lr=0.3), 1024)
        0.3
    """
    if optim.lr_scaling is None:
        return optim.lr
    factor = instances / USUAL_BATCH
    return optim.lr * (factor if optim.lr_scaling == "linear" else math.sqrt(factor))


def warmup_steps(optim: Optim, counts: Counts) -> int:
    """Warm-up steps of a recipe; may be more than the steps of the run."""
    if optim.warmup_steps is not None:
        return optim.warmup_steps
    return round(optim.warmup_epochs * counts.steps_per_epoch)
