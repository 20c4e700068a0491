"""Shares out the draws of an epoch to steps, micro-batches and ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

Slot = tuple[int, int]
"""(epoch, number within the epoch) of a draw."""


class Position(NamedTuple):
    """Where a process's share of a micro-batch lies in the run. Its random numbers depend on this and on the seed.

    Attributes:
        step: optimiser steps before it.
        micro_batch: its number within the step.
        rank: of the process.
        ranks: processes that share the micro-batch.
    """

    step: int
    micro_batch: int = 0
    rank: int = 0
    ranks: int = 1


class Request(NamedTuple):
    """What the loader is to load: the draws of a process's share of a micro-batch."""

    position: Position
    slots: list[Slot]


@dataclass(frozen=True)
class Sharing:
    """How the draws of a run are shared out.

    A step takes `draws` consecutive slots of an epoch, its micro-batch m a consecutive part of them, its rank
    r a consecutive part of that. So what a step and a micro-batch see is the same for any number of ranks.

    Attributes:
        steps_per_epoch: optimiser steps in an epoch.
        draws: draws of a step, over all micro-batches and ranks.
        accumulate: micro-batches of a step.
        ranks: number of processes.
        rank: this one.
    """

    steps_per_epoch: int
    draws: int
    accumulate: int = 1
    ranks: int = 1
    rank: int = 0

    def slots(self, step: int, micro_batch: int) -> list[Slot]:
        """The slots of this rank.

        >>> Sharing(steps_per_epoch=2, draws=4, ranks=2, rank=1).slots(step=3, micro_batch=0)
        [(1, 6), (1, 7)]
        """
        epoch, step_in_epoch = divmod(step, self.steps_per_epoch)
        size = self.draws // (self.accumulate * self.ranks)
        start = step_in_epoch * self.draws + (micro_batch * self.ranks + self.rank) * size
        return [(epoch, slot) for slot in range(start, start + size)]


class SlotSampler:
    """A sampler of the micro-batches of a run, which begins where the run stands.

    Args:
        sharing: how the draws are shared out.
        steps: optimiser steps of the whole run.
        done: tells how many steps are done, when the iteration begins.
    """

    def __init__(self, sharing: Sharing, steps: int, done: Callable[[], int]) -> None:
        self.sharing = sharing
        self.steps = steps
        self.done = done

    def __len__(self) -> int:
        """Micro-batches of the whole run: Lightning counts those that are done itself."""
        return self.steps * self.sharing.accumulate

    def __iter__(self) -> Iterator[Request]:
        for step in range(self.done(), self.steps):
            for micro_batch in range(self.sharing.accumulate):
                position = Position(step, micro_batch, self.sharing.rank, self.sharing.ranks)
                yield Request(position, self.sharing.slots(step, micro_batch))
