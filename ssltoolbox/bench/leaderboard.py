"""The runs of each recipe taken together, and compared with the baseline."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ssltoolbox.api import Metric
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.runs import FinishedRun, RunCost
from ssltoolbox.bench.statistics import Difference, Summary, paired_difference, summary
from ssltoolbox.report.results import Result, arrow_of


@dataclass(frozen=True)
class Column:
    """A column of the leaderboard: one metric of one result.

    Attributes:
        task: its key in evaluation.json.
        title: the result in words, and how it was measured.
        metric: what the task declares about it.
    """

    task: str
    title: str
    metric: Metric

    @classmethod
    def of(cls, result: Result) -> Column:
        """The column that a result belongs to."""
        return cls(result.task, result.label, result.metric)

    @property
    def metric_label(self) -> str:
        """Such as `macro-F1 ↑`; the arrow says which way is better."""
        return f"{self.metric.words} {arrow_of(self.metric)}".rstrip()

    @property
    def label(self) -> str:
        """Such as `expression macro-F1 ↑`."""
        return f"{self.title} {self.metric_label}"


@dataclass(frozen=True)
class Cell:
    """One metric of one recipe.

    Attributes:
        of_runs: its runs taken together.
        to_baseline: the paired difference; None for the baseline itself and where no runs pair.
    """

    of_runs: Summary
    to_baseline: Difference | None = None


@dataclass(frozen=True)
class Row:
    """One recipe.

    Attributes:
        recipe: its name.
        runs: how many are complete.
        cells: by column; none for a metric that it doesn't have.
        costs: by the name of `RunCost`'s field; none for what was not measured.
    """

    recipe: str
    runs: int
    cells: dict[Column, Cell]
    costs: dict[str, Summary]


@dataclass(frozen=True)
class Leaderboard:
    """The recipes, sorted by the leading column, the best first; those without runs at the end.

    Attributes:
        columns: in the order of the tasks.
        baseline: the name of the recipe that the differences are to; None without one.
        rows: the recipes.
        rivals: the recipes whose difference to the first row may be chance, by the leading column.
    """

    columns: tuple[Column, ...]
    baseline: str | None
    rows: tuple[Row, ...]
    rivals: tuple[str, ...] = ()

    @property
    def leading(self) -> Column | None:
        """The column that ranks; None if nothing was evaluated."""
        return _leading(self.columns)


def leaderboard(jobs: Sequence[Job], finished: Iterable[FinishedRun], baseline: str | None) -> Leaderboard:
    """Takes the runs of each recipe together: all seeds and all points of the sweep."""
    finished = list(finished)
    columns = tuple(dict.fromkeys(Column.of(result) for run in finished for result in run.results))
    by_recipe: dict[str, list[FinishedRun]] = {job.recipe: [] for job in jobs}
    for run in finished:
        by_recipe[run.job.recipe].append(run)
    rows = [
        _row(name, runs, by_recipe.get(baseline, []) if baseline and name != baseline else [], columns)
        for name, runs in by_recipe.items()
    ]
    leading = _leading(columns)
    rows.sort(key=_rank(leading))
    return Leaderboard(columns, baseline, tuple(rows), tuple(_rivals(rows, by_recipe, leading)))


def condition(job: Job) -> str:
    """The seed and the point of the sweep: a run is paired with the run of another recipe that has the same."""
    return json.dumps([job.seed, dict(job.point)], sort_keys=True)


def measured(runs: Iterable[FinishedRun], column: Column) -> dict[str, float]:
    """Condition → the metric of a column in the run of that condition."""
    return {
        condition(run.job): result.trained
        for run in runs
        for result in run.results
        if Column.of(result) == column
    }


def _row(
    name: str, runs: Sequence[FinishedRun], baseline: Sequence[FinishedRun], columns: Sequence[Column]
) -> Row:
    cells = {}
    for column in columns:
        if values := measured(runs, column):
            difference = paired_difference(values, measured(baseline, column))
            cells[column] = Cell(summary(list(values.values())), difference)
    costs = {}
    for field in RunCost.__dataclass_fields__:
        known = [value for run in runs if (value := getattr(run.cost, field)) is not None]
        if known:
            costs[field] = summary(known)
    return Row(name, len(runs), cells, costs)


def _leading(columns: Sequence[Column]) -> Column | None:
    """The first metric that can show what was learned; the first of all if there is none.

    By identity alone, a network that has learned nothing would be the best.
    """
    shows = (column for column in columns if column.metric.versus_untrained)
    return next(shows, columns[0] if columns else None)


def _rank(leading: Column | None) -> Callable[[Row], tuple[bool, float]]:
    """Sorts by the leading column; rows that lack it stay in the grid's order, at the end.

    All rows stay in the grid's order where the better direction is unknown.
    """

    def rank(row: Row) -> tuple[bool, float]:
        cell = row.cells.get(leading) if leading else None
        if cell is None or leading is None:
            return True, 0.0
        return False, cell.of_runs.mean * {"lower": 1, "higher": -1, None: 0}[leading.metric.better]

    return rank


def _rivals(
    rows: Sequence[Row], runs: Mapping[str, Sequence[FinishedRun]], leading: Column | None
) -> Iterator[str]:
    if leading is None or leading not in rows[0].cells:
        return
    best = measured(runs[rows[0].recipe], leading)
    for row in rows[1:]:
        if leading in row.cells:
            difference = paired_difference(best, measured(runs[row.recipe], leading))
            if difference is None or not difference.is_clear:
                yield row.recipe
