"""Reads the results of one run of a benchmark from its files."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.report.files import Curve, read_run
from ssltoolbox.report.results import Result, notes_on, results_of


@dataclass(frozen=True)
class RunCost:
    """The cost of a run; None for values that were not measured.

    Attributes:
        images_per_s: the median over the training, both views of every instance counted.
        peak_memory: bytes of the largest process of the run.
        peak_gpu_memory: bytes that torch had in use at most on one GPU.
        seconds: wall time of all its attempts together, from start to exit.
    """

    images_per_s: float | None = None
    peak_memory: float | None = None
    peak_gpu_memory: float | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class FinishedRun:
    """A complete run.

    Attributes:
        job: its job.
        folder: an ordinary run folder.
        evaluation: as in evaluation.json; empty without tasks.
        cost: its cost.
        data_note: a sentence that readers of results on its data must know; may be empty.
        neighbours: whether `results` has the scores by nearest neighbours too.
    """

    job: Job
    folder: Path
    evaluation: Mapping[str, Any]
    cost: RunCost
    data_note: str = ""
    neighbours: bool = False

    @cached_property
    def results(self) -> list[Result]:
        """Each metric of each task."""
        return results_of(self.evaluation, self.neighbours)

    @property
    def notes(self) -> list[str]:
        """Sentences that readers of its results must know."""
        return [*notes_on(self.evaluation), *filter(None, [self.data_note])]


def read_finished(job: Job, folder: BenchFolder, neighbours: bool = False) -> FinishedRun:
    """
    Raises:
        OSError, ValueError: when a file of the run is missing or damaged.
    """
    files = read_run(folder.run(job))
    record = folder.record(job)
    gpu = files.metrics.get("gpu_memory_gib")
    cost = RunCost(
        images_per_s=_median(files.metrics.get("images_per_s")),
        peak_memory=record.peak_memory,
        peak_gpu_memory=max(gpu.values) * 2**30 if gpu else None,
        seconds=record.seconds,
    )
    return FinishedRun(job, folder.run(job), files.evaluation, cost, files.data_note, neighbours)


def _median(curve: Curve | None) -> float | None:
    return statistics.median(curve.values) if curve else None
