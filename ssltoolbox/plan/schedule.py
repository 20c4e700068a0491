"""Steps, epochs and the learning rate over time: plain arithmetic, shared by the plan and the engine."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from ssltoolbox.recipe import Optim


@dataclass(frozen=True)
class LearningRate:
    """How the learning rate changes over the steps of the optimiser.

    Attributes:
        kind: "cosine" falls along half a cosine to the final rate, "constant" stays.
        lr: the highest rate.
        final_lr: the rate at the end of a cosine.
        warmup: steps of linear growth at the start.
        steps: steps of the whole run.
    """

    kind: Literal["cosine", "constant"]
    lr: float
    final_lr: float
    warmup: int
    steps: int

    def factor(self, step: int) -> float:
        """The rate at a step as a fraction of `lr`; step 0 is the first.

        >>> schedule = LearningRate("cosine", lr=0.1, final_lr=0.0, warmup=2, steps=10)
        >>> [round(schedule.factor(step), 3) for step in (0, 1, 2, 6, 10)]
        [0.5, 1.0, 1.0, 0.5, 0.0]
        """
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.kind == "constant":
            return 1.0
        progress = (step - self.warmup) / max(1, self.steps - self.warmup)
        lowest = self.final_lr / self.lr
        return lowest + (1 - lowest) * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))


@dataclass(frozen=True)
class Counts:
    """How much a step and a run see.

    Attributes:
        instances: instances of an optimiser step over all ranks: the recipe's batch size.
        compared: instances that meet each other in the loss: M over all ranks, `instances / accumulate`.
        draws: draws of an optimiser step over all ranks.
        hard_negatives: K of each draw.
        images: images of an optimiser step, both sides of every instance.
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


def warmup_steps(optim: Optim, counts: Counts) -> int:
    """Steps of the warm-up that a recipe asks for; it may ask for more than the run has."""
    if optim.warmup_steps is not None:
        return optim.warmup_steps
    return round(optim.warmup_epochs * counts.steps_per_epoch)
