"""Who computes where: the cores of a machine, shared by the loader's workers and by torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from ssltoolbox.data.workers import cores

MOST_AUTO_WORKERS = 8


def worker_count(wanted: int | Literal["auto"], processes: int = 1) -> int:
    """Loader workers of each process; `auto` is one for each core but one, at least one, at most eight."""
    if wanted == "auto":
        return max(1, min(MOST_AUTO_WORKERS, cores() // processes - 1))
    return wanted


@contextmanager
def shared_with(workers: int, processes: int = 1) -> Iterator[None]:
    """Leaves the workers' cores to them while a model computes on the CPU.

    Torch's threads wait by spinning: with more of them than free cores a step may take forty times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, cores() // processes - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
