"""The pairs of recipes that a grid compares, such as rows of a table with and without a strategy."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from ssltoolbox.bench.leaderboard import Column, measured
from ssltoolbox.bench.runs import FinishedRun
from ssltoolbox.bench.statistics import Difference, paired_difference


@dataclass(frozen=True)
class ComparedRecipes:
    """One recipe minus another.

    Attributes:
        recipe: the name of the first.
        other: the name of the second.
        differences: by column; none for a metric in which no runs pair.
    """

    recipe: str
    other: str
    differences: Mapping[Column, Difference]


def comparisons(
    pairs: Iterable[tuple[str, str]], finished: Collection[FinishedRun], columns: Collection[Column]
) -> list[ComparedRecipes]:
    """The paired differences of each pair of recipes, in the order of the pairs.

    Args:
        pairs: of names.
        finished: the complete runs of the benchmark.
        columns: of the leaderboard.
    """
    compared = []
    for pair in pairs:
        ours, theirs = ([run for run in finished if run.job.recipe == name] for name in pair)
        differences = {
            column: difference
            for column in columns
            if (difference := paired_difference(measured(ours, column), measured(theirs, column)))
        }
        compared.append(ComparedRecipes(*pair, differences))
    return compared
