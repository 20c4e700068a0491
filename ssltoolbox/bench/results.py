"""results.json: all results of a benchmark, as plain data."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ssltoolbox.bench.comparisons import ComparedRecipes, comparisons
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.leaderboard import Column, Leaderboard, Row, leaderboard
from ssltoolbox.bench.matrix import Matrix, matrices
from ssltoolbox.bench.runs import FinishedRun
from ssltoolbox.bench.schedule import JobState
from ssltoolbox.bench.words import job_text

INTERVAL = (
    "paired by seed and point of the sweep, with Student's t interval at 95% (n - 1 degrees of freedom; it takes "
    "the n pairs for independent)"
)


@dataclass(frozen=True)
class Bench:
    """The current state of a benchmark.

    Attributes:
        name: of the grid's file.
        code: version of the code that its runs were made with.
        baseline: name of the recipe that the others are compared with.
        states: every run of the grid and its state.
        finished: the complete runs.
        reasons: why a failed run failed.
        variants: the variants of the grid, and the variant that each extends.
        pairs: the names of recipes that the grid compares.
    """

    name: str
    code: str
    baseline: str | None
    states: Mapping[Job, JobState]
    finished: Mapping[Job, FinishedRun]
    reasons: Mapping[Job, str]
    variants: Mapping[str, str | None] = field(default_factory=dict)
    pairs: Sequence[tuple[str, str]] = ()

    @cached_property
    def overall(self) -> Leaderboard:
        """Over all seeds and all points of the sweep."""
        return leaderboard(list(self.states), self.finished.values(), self.baseline)

    @cached_property
    def by_point(self) -> list[tuple[Mapping[str, Any], Leaderboard]]:
        """For each point of the sweep by itself; empty if nothing is swept, or to one value."""
        points = _points(self.states)
        if len(points) < 2:
            return []
        return [
            (
                point,
                leaderboard(
                    list(self.states),
                    [run for run in self.finished.values() if run.job.point == point],
                    self.baseline,
                ),
            )
            for point in points
        ]

    @cached_property
    def matrices(self) -> list[Matrix]:
        """The recipes by the variants of the grid, for each metric of each task; none without variants."""
        return matrices(self.states, self.finished.values(), self.overall.columns, self.variants)

    @cached_property
    def comparisons(self) -> list[ComparedRecipes]:
        """The differences of the pairs, for each metric of each task."""
        return comparisons(self.pairs, self.finished.values(), self.overall.columns)

    @property
    def notes(self) -> list[str]:
        """Notes on the metrics and the data for readers of the results, each once."""
        return list(dict.fromkeys(note for run in self.finished.values() for note in run.notes))

    @property
    def unfinished(self) -> list[str]:
        """The runs without results, in words."""
        return [
            f"{job_text(job)}: {': '.join(filter(None, [state.value, self.reasons.get(job)]))}"
            for job, state in self.states.items()
            if not state.has_results
        ]


def results_of_bench(bench: Bench, folder: Path) -> dict[str, Any]:
    """The content of results.json, whose keys benchmarks/README.md lists; paths are relative to the folder."""
    return {
        "name": bench.name,
        "written": datetime.now(UTC).isoformat(timespec="seconds"),
        "code": bench.code,
        "baseline": bench.baseline,
        "difference": INTERVAL,
        "notes": bench.notes,
        "leaderboard": _rows(bench.overall),
        "variants": [entry for matrix in bench.matrices for entry in _entries(matrix, bench.variants)],
        "comparisons": [_compared(each) for each in bench.comparisons],
        "by_point": [{"point": dict(point), "leaderboard": _rows(board)} for point, board in bench.by_point],
        "runs": [_run(job, state, bench, folder) for job, state in bench.states.items()],
    }


def _rows(board: Leaderboard) -> list[dict[str, Any]]:
    return [_row(row) for row in board.rows]


def _row(row: Row) -> dict[str, Any]:
    results = {
        column: asdict(cell.of_runs) | {"difference": asdict(cell.to_baseline) if cell.to_baseline else None}
        for column, cell in row.cells.items()
    }
    costs = {name: asdict(cost) for name, cost in row.costs.items()}
    return {"recipe": row.recipe, "runs": row.runs, "results": _by_task(results), "costs": costs}


def _compared(comparison: ComparedRecipes) -> dict[str, Any]:
    results = {column: asdict(difference) for column, difference in comparison.differences.items()}
    return {"recipe": comparison.recipe, "other": comparison.other, "results": _by_task(results)}


def _by_task(results: Mapping[Column, dict[str, Any]]) -> dict[str, dict[str, dict[str, Any]]]:
    """Task → metric → its numbers."""
    tasks: dict[str, dict[str, dict[str, Any]]] = {}
    for column, numbers in results.items():
        tasks.setdefault(column.task, {})[column.metric.key] = numbers
    return tasks


def _entries(matrix: Matrix, extended: Mapping[str, str | None]) -> Iterator[dict[str, Any]]:
    for (recipe, variant), entry in matrix.entries.items():
        yield {
            "recipe": recipe,
            "variant": variant,
            "extends": extended[variant] if variant else None,
            "task": matrix.column.task,
            "metric": matrix.column.metric.key,
            **asdict(entry.of_runs),
            "gain": asdict(entry.gain) if entry.gain else None,
        }


def _run(job: Job, state: JobState, bench: Bench, folder: Path) -> dict[str, Any]:
    run = bench.finished.get(job)
    known = {
        "recipe": job.recipe,
        "variant": job.variant,
        "seed": job.seed,
        "point": dict(job.point),
        "key": job.key,
        "state": state.value,
        "reason": bench.reasons.get(job),
    }
    if run is None:
        return known
    where = os.path.relpath(run.folder, folder)
    return known | {"folder": where, "evaluation": run.evaluation, "cost": asdict(run.cost)}


def _points(jobs: Iterable[Job]) -> Sequence[Mapping[str, Any]]:
    points: list[Mapping[str, Any]] = []
    for job in jobs:
        if job.point not in points:
            points.append(job.point)
    return points
