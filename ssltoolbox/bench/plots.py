"""Plots of a leaderboard: a line for each recipe, with error bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes

from ssltoolbox.bench.leaderboard import Column, Row
from ssltoolbox.bench.statistics import Difference
from ssltoolbox.report.plots import (
    AXIS,
    BETTER,
    COLOURS,
    STYLE,
    UNTRAINED_COLOUR,
    as_svg,
    new_figure,
    rows_of,
    shortened,
)
from ssltoolbox.report.results import arrow_of

_BAR: dict[str, Any] = {"fmt": "o", "color": COLOURS[0], "markersize": 7, "linewidth": 1.8, "capsize": 3}


def metric_plot(rows: Sequence[Row], column: Column, single: Mapping[str, Sequence[float]]) -> str:
    """Mean and standard deviation of each recipe, over its single runs as grey dots.

    Args:
        rows: that have the metric.
        column: what is plotted.
        single: the runs' numbers by recipe.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(_height(len(rows)))
        for position, row in enumerate(rows):
            summary = row.cells[column].of_runs
            axes.errorbar(summary.mean, position, xerr=summary.sd or None, **_BAR)
            values = single[row.recipe]
            if len(values) > 1:
                axes.plot(values, [position + 0.28] * len(values), "o", color=UNTRAINED_COLOUR, markersize=4)
        _recipes(axes, [row.recipe for row in rows], column)
        return as_svg(figure)


def difference_plot(differences: Mapping[str, Difference], column: Column) -> str:
    """The paired difference of each recipe to the baseline, with its interval."""
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(_height(len(differences)))
        for position, difference in enumerate(differences.values()):
            margin = None if difference.high is None else difference.high - difference.mean
            axes.errorbar(difference.mean, position, xerr=margin, **_BAR)
        axes.axvline(0, color=AXIS, linewidth=0.8)
        _recipes(axes, list(differences), column)
        return as_svg(figure)


def _height(count: int) -> float:
    return 0.75 + 0.3 * max(2, count)


def _recipes(axes: Axes, names: Sequence[str], column: Column) -> None:
    rows_of(axes, list(map(shortened, names)))
    axes.set_xlabel(BETTER[arrow_of(column.metric)], fontsize=8)
