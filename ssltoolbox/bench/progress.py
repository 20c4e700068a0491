"""How far a run is, read from the files that it writes."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_TAIL = 4096
"""Bytes at the end of metrics.csv that surely hold a whole row."""


@dataclass(frozen=True)
class Progress:
    """How far a run is.

    Attributes:
        step: of the training, as last logged.
        trained: whether the training is over, so that only the evaluation is left.
    """

    step: int
    trained: bool


def progress_of(run: Path) -> Progress:
    """Of the run in a folder that may not be there yet."""
    return Progress(_last_step(run / "metrics.csv"), (run / "backbone.safetensors").exists())


def resumed_from(run: Path) -> int:
    """About the step from which the run in a folder goes on; 0 where it has saved nothing."""
    return progress_of(run).step if (run / "checkpoints" / "last.ckpt").exists() else 0


def _last_step(metrics: Path) -> int:
    """The step is the first column; a killed run may leave half a line."""
    try:
        with metrics.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read().split(b"\n")[1:-1]
    except FileNotFoundError:
        return 0
    return int(lines[-1].split(b",")[0]) if lines else 0
