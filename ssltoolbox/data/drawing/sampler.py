"""Divides the draws of an epoch among steps, micro-batches and ranks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

DrawNumber = tuple[int, int]
"""(epoch, number within the epoch) of a draw."""


class Position(NamedTuple):
    """Position in the run of a process's share of a micro-batch. Random numbers depend on it and on the seed.

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
    """The draws of a process's share of a micro-batch, for the loader."""

    position: Position
    draws: list[DrawNumber]


@dataclass(frozen=True)
class Sharing:
    """How the draws of a run are divided.

    A step has `draws` consecutive draws of an epoch. They are divided into consecutive micro-batches, and each
    micro-batch into consecutive shares of the ranks. So the draws of a step and of a micro-batch are the same for
    any number of ranks.

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

    def numbers(self, step: int, micro_batch: int) -> list[DrawNumber]:
        """The draws of this rank.

        >>> Sharing(steps_per_epoch=2, draws=4, ranks=2, rank=1).numbers(step=3, micro_batch=0)
        [(1, 6), (1, 7)]
        """
        epoch, step_in_epoch = divmod(step, self.steps_per_epoch)
        size = self.draws // (self.accumulate * self.ranks)
        start = step_in_epoch * self.draws + (micro_batch * self.ranks + self.rank) * size
        return [(epoch, number) for number in range(start, start + size)]


class DrawSampler:
    """A sampler of the remaining micro-batches of a run.

    Args:
        sharing: how the draws are shared out.
        steps: optimiser steps of the whole run.
        done: returns the number of done steps when the iteration begins.
    """

    def __init__(self, sharing: Sharing, steps: int, done: Callable[[], int]) -> None:
        self.sharing = sharing
        self.steps = steps
        self.done = done

    def __len__(self) -> int:
        """Micro-batches of the whole run; Lightning subtracts those that are done."""
        return self.steps * self.sharing.accumulate

    def __iter__(self) -> Iterator[Request]:
        for step in range(self.done(), self.steps):
            for micro_batch in range(self.sharing.accumulate):
                position = Position(step, micro_batch, self.sharing.rank, self.sharing.ranks)
                yield Request(position, self.sharing.numbers(step, micro_batch))
