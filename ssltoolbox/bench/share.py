"""Divides the machine among parallel runs."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")
_VISIBLE = "CUDA_VISIBLE_DEVICES"
_NVIDIA = Path("/proc/driver/nvidia/gpus")


@dataclass(frozen=True)
class Share:
    """The cores and GPUs of one run.

    Attributes:
        cores: numbers of the cores; None for all.
        gpus: names of the GPUs as CUDA knows them; None for all.
    """

    cores: tuple[int, ...] | None = None
    gpus: tuple[str, ...] | None = None

    @property
    def environment(self) -> Mapping[str, str]:
        """Environment variables of the run's process."""
        return {} if self.gpus is None else {_VISIBLE: ",".join(self.gpus)}

    def restrict(self, pid: int) -> None:
        """Restricts a process and its children to these cores."""
        if self.cores is not None:
            # It may have ended already.
            with suppress(ProcessLookupError):
                os.sched_setaffinity(pid, self.cores)


def shares(count: int) -> list[Share]:
    """Shares of the machine for parallel runs: each has its own cores and GPUs, if there are enough.

    A single run has all of it.
    """
    if count == 1:
        return [Share()]
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
    gpus = _gpus()
    return [
        Share(
            None if cores is None else tuple(_part(cores, position, count)),
            tuple(_part(gpus, position, count)) if gpus else None,
        )
        for position in range(count)
    ]


def _part(items: Sequence[Item], position: int, count: int) -> Sequence[Item]:
    return items[position::count] or [items[position % len(items)]]


def _gpus() -> list[str]:
    """The GPUs that this process may use; empty where there are none, or they are unknown."""
    if _VISIBLE in os.environ:
        return [name for name in os.environ[_VISIBLE].split(",") if name.strip()]
    return [str(number) for number, _ in enumerate(_NVIDIA.iterdir())] if _NVIDIA.is_dir() else []
