"""The runs of each recipe taken together, and beside the baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.runs import Cost, FinishedRun
from ssltoolbox.bench.statistics import Difference, Summary, paired_difference, summary
from ssltoolbox.report.results import Result


@dataclass(frozen=True)
class Measure:
    """A column of the leaderboard.

    Attributes:
        task, name: keys of evaluation.json.
        task_label, name_label: the same in words.
        lower_is_better: for errors, and for what is to be forgotten.
    """

    task: str
    name: str
    task_label: str
    name_label: str
    lower_is_better: bool

    @classmethod
    def of(cls, result: Result) -> Measure:
        """The measure that a result is of."""
        return cls(result.task, result.measure, result.label, result.measure_label, result.lower_is_better)

    @property
    def label(self) -> str:
        """Such as `expression macro-F1 ↑`; the arrow says which way is better."""
        return f"{self.task_label} {self.name_label} {self.arrow}"

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return "↓" if self.lower_is_better else "↑"


@dataclass(frozen=True)
class Cell:
    """One measure of one recipe.

    Attributes:
        of_runs: its runs taken together.
        beside_baseline: the paired difference; None for the baseline itself and where no runs pair.
    """

    of_runs: Summary
    beside_baseline: Difference | None = None


@dataclass(frozen=True)
class Row:
    """One recipe.

    Attributes:
        recipe: its name.
        runs: how many are complete.
        cells: by measure; none for a measure that it doesn't have.
        costs: by the name of `Cost`'s field; none for what was not measured.
    """

    recipe: str
    runs: int
    cells: dict[Measure, Cell]
    costs: dict[str, Summary]


@dataclass(frozen=True)
class Leaderboard:
    """The recipes, the best first by the first measure; those without runs at the end.

    Attributes:
        measures: the columns, in the order of the tasks.
        baseline: the name of the recipe that the differences are to; None without one.
        rows: the recipes.
    """

    measures: tuple[Measure, ...]
    baseline: str | None
    rows: tuple[Row, ...]


def leaderboard(jobs: Sequence[Job], finished: Iterable[FinishedRun], baseline: str | None) -> Leaderboard:
    """Takes the runs of each recipe together: all seeds and all points of the sweep."""
    finished = list(finished)
    measures = tuple(dict.fromkeys(Measure.of(result) for run in finished for result in run.results))
    by_recipe = {job.recipe: [run for run in finished if run.job.recipe == job.recipe] for job in jobs}
    rows = [
        _row(name, runs, by_recipe.get(baseline, []) if baseline and name != baseline else [], measures)
        for name, runs in by_recipe.items()
    ]
    return Leaderboard(measures, baseline, tuple(sorted(rows, key=_rank(measures))))


def condition(job: Job) -> str:
    """What a run shares with its pair of another recipe: the seed and the point of the sweep."""
    return json.dumps([job.seed, dict(job.point)], sort_keys=True)


def measured(runs: Iterable[FinishedRun], measure: Measure) -> dict[str, float]:
    """By condition, the runs' numbers."""
    return {
        condition(run.job): result.trained
        for run in runs
        for result in run.results
        if Measure.of(result) == measure
    }


def _row(
    name: str, runs: Sequence[FinishedRun], baseline: Sequence[FinishedRun], measures: Sequence[Measure]
) -> Row:
    cells = {}
    for measure in measures:
        if values := measured(runs, measure):
            difference = paired_difference(values, measured(baseline, measure))
            cells[measure] = Cell(summary(list(values.values())), difference)
    costs = {}
    for field in Cost.__dataclass_fields__:
        known = [value for run in runs if (value := getattr(run.cost, field)) is not None]
        if known:
            costs[field] = summary(known)
    return Row(name, len(runs), cells, costs)


def _rank(measures: Sequence[Measure]) -> Callable[[Row], tuple[bool, float]]:
    """Sorts by the first measure; rows that lack it stay in the grid's order, at the end."""

    def rank(row: Row) -> tuple[bool, float]:
        cell = row.cells.get(measures[0]) if measures else None
        if cell is None:
            return True, 0.0
        return False, cell.of_runs.mean * (1 if measures[0].lower_is_better else -1)

    return rank
