"""Which steps are logged, and how the processes of a run exchange values."""

from __future__ import annotations

from typing import Any, TypeVar

import pytorch_lightning as pl
import torch
from torch import Tensor, distributed

T = TypeVar("T")


def ends_logged_step(trainer: pl.Trainer, index: int, step: int) -> bool:
    """True for the last micro-batch of a step that gets a row in metrics.csv.

    Args:
        trainer: has the logging interval and the micro-batches of a step.
        index: number of the micro-batch in the run.
        step: number of the step, from 1.
    """
    ends_step = (index + 1) % trainer.accumulate_grad_batches == 0
    return ends_step and step % trainer.log_every_n_steps == 0  # type: ignore[attr-defined]


def is_logged(trainer: pl.Trainer, index: int) -> bool:
    """`ends_logged_step` for callbacks, which run after the step."""
    return ends_logged_step(trainer, index, trainer.global_step)


def several() -> bool:
    """True if several processes train together."""
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def of_all_ranks(value: T) -> list[T]:
    """The values of all processes, by rank; all processes call it together."""
    if not several():
        return [value]
    values: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(values, value)
    return values


@torch.no_grad()
def rows_of_all_ranks(rows: Tensor) -> Tensor:
    """[B, …] → [B · ranks, …], rank after rank; all processes call it together."""
    if not several():
        return rows
    gathered = [torch.empty_like(rows) for _ in range(distributed.get_world_size())]
    distributed.all_gather(gathered, rows.contiguous())
    return torch.cat(gathered)
