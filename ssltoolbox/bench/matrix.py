"""The recipes of a benchmark by the variants of its grid, and what each variant changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.leaderboard import Column, measured
from ssltoolbox.bench.runs import FinishedRun
from ssltoolbox.bench.statistics import Difference, Summary, paired_difference, summary


@dataclass(frozen=True)
class Entry:
    """One recipe with one variant.

    Attributes:
        of_runs: its runs taken together.
        gain: the paired difference to the variant that this one extends, or to the recipe without changes; None
            for the recipe without changes, and where no runs pair.
    """

    of_runs: Summary
    gain: Difference | None


@dataclass(frozen=True)
class Matrix:
    """One metric of all recipes with all variants.

    Attributes:
        column: the metric.
        variants: their names; None is the recipe without changes.
        recipes: the names of the recipes.
        entries: by (recipe, variant); none without finished runs.
    """

    column: Column
    variants: tuple[str | None, ...]
    recipes: tuple[str, ...]
    entries: Mapping[tuple[str, str | None], Entry]


def matrices(
    jobs: Iterable[Job],
    finished: Iterable[FinishedRun],
    columns: Iterable[Column],
    extended: Mapping[str, str | None],
) -> list[Matrix]:
    """A matrix for each metric of each task; none without variants.

    Args:
        jobs: all runs of the grid, in its order.
        finished: the complete ones.
        columns: of the leaderboard.
        extended: the name of each variant, and of the variant that it extends.
    """
    if not extended:
        return []
    recipes = tuple(dict.fromkeys(job.unchanged or job.recipe for job in jobs))
    runs: dict[tuple[str, str | None], list[FinishedRun]] = {}
    for run in finished:
        runs.setdefault((run.job.unchanged or run.job.recipe, run.job.variant), []).append(run)
    return [
        Matrix(column, (None, *extended), recipes, _entries(runs, column, extended)) for column in columns
    ]


def _entries(
    runs: Mapping[tuple[str, str | None], Iterable[FinishedRun]],
    column: Column,
    extended: Mapping[str, str | None],
) -> dict[tuple[str, str | None], Entry]:
    values = {place: numbers for place, its in runs.items() if (numbers := measured(its, column))}
    entries = {}
    for (recipe, variant), numbers in values.items():
        others = values.get((recipe, extended[variant]), {}) if variant else {}
        entries[recipe, variant] = Entry(summary(list(numbers.values())), paired_difference(numbers, others))
    return entries
