"""The progress of a run, read from its files, and the time that runs take, estimated from finished ones."""

from __future__ import annotations

import os
import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ssltoolbox.bench.child import Running
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.support.words import duration_text

_TAIL = 4096
"""Bytes at the end of metrics.csv, enough to hold a whole row."""


@dataclass(frozen=True)
class Progress:
    """The progress of a run.

    Attributes:
        step: the last logged step of the training.
        trained: whether the training is finished, so that only the evaluation is left.
    """

    step: int
    trained: bool


def progress_of(run: Path) -> Progress:
    """The progress of the run in a folder, which may not exist yet."""
    return Progress(_last_step(run / "metrics.csv"), (run / "backbone.safetensors").exists())


def resumed_from(run: Path) -> int:
    """The step near which the run in a folder resumes; 0 if no checkpoint is saved."""
    return progress_of(run).step if (run / "checkpoints" / "last.ckpt").exists() else 0


def _last_step(metrics: Path) -> int:
    """The last step in a metrics.csv, whose first column it is. A killed run may leave half a line."""
    try:
        with metrics.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL))
            lines = file.read().split(b"\n")[1:-1]
    except FileNotFoundError:
        return 0
    return int(lines[-1].split(b",")[0]) if lines else 0


class Estimates:
    """Estimates the time of runs, from finished runs of the same recipe with as many steps.

    Args:
        folder: the benchmark's folder; all runs that were ever finished there are used.
    """

    def __init__(self, folder: BenchFolder) -> None:
        self._folder = folder
        self._times: dict[tuple[str, int], list[float]] = {}
        self._first_looks: dict[Running, tuple[int, float]] = {}
        self.learn()

    def learn(self) -> None:
        """Reads the times of finished runs again."""
        times = defaultdict(list)
        for record in self._folder.records():
            if record.succeeded and record.seconds is not None:
                times[record.recipe, record.steps].append(record.seconds)
        self._times = dict(times)

    def of(self, job: Job) -> float | None:
        """Median seconds of finished runs of this recipe and length; None if there are none."""
        times = self._times.get((job.recipe, job.steps))
        return statistics.median(times) if times else None

    def left(self, child: Running) -> float | None:
        """Seconds until a running run ends: from finished runs like it, else from the pace of its own training."""
        now = progress_of(self._folder.run(child.job))
        first_step, first_time = self._first_looks.setdefault(child, (now.step, child.seconds))
        whole = self.of(child.job)
        if whole is not None and not child.resumed:
            return max(0.0, whole - child.seconds)
        if now.trained or now.step == first_step:
            return None
        return (child.job.steps - now.step) * (child.seconds - first_time) / (now.step - first_step)

    def left_in_words(self, waiting: Sequence[Job], children: Sequence[Running], side_by_side: int) -> str:
        """The time until all of these runs have ended, as far as it is known."""
        times = [*map(self.of, waiting), *map(self.left, children)]
        return in_words(times, side_by_side)


def in_words(times: Sequence[float | None], side_by_side: int) -> str:
    """The time that several runs take together, as text.

    Args:
        times: seconds of each run; None where unknown.
        side_by_side: the number of runs at a time.

    >>> in_words([60, 60], 2), in_words([60, None], 1), in_words([None], 1)
    ('about 1 min 0 s', 'more than 1 min 0 s', 'unknown')
    """
    known = sum(time for time in times if time is not None) / side_by_side
    if None not in times:
        return f"about {duration_text(round(known))}"
    return f"more than {duration_text(round(known))}" if known else "unknown"
