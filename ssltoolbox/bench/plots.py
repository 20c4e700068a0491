"""Plots of a leaderboard: a line for each recipe, with error bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes

from ssltoolbox.bench.leaderboard import Column, Row
from ssltoolbox.bench.statistics import Difference
from ssltoolbox.report.plots import COLOURS, STYLE, as_svg, new_figure

_DOTS = "#8a939d"
_BAR: dict[str, Any] = {"fmt": "o", "color": COLOURS[0], "markersize": 4, "linewidth": 1.2, "capsize": 2}


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
            values = single[row.recipe]
            axes.plot(values, [position] * len(values), "o", color=_DOTS, markersize=2.5, alpha=0.6)
            summary = row.cells[column].of_runs
            axes.errorbar(summary.mean, position, xerr=summary.sd or None, **_BAR)
        _recipes(axes, [row.recipe for row in rows])
        return as_svg(figure)


def difference_plot(differences: Mapping[str, Difference]) -> str:
    """The paired difference of each recipe to the baseline, with its interval."""
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(_height(len(differences)))
        for position, difference in enumerate(differences.values()):
            margin = None if difference.high is None else difference.high - difference.mean
            axes.errorbar(difference.mean, position, xerr=margin, **_BAR)
        axes.axvline(0, color=_DOTS, linewidth=0.8)
        _recipes(axes, list(differences))
        return as_svg(figure)


def _height(count: int) -> float:
    return 0.6 + 0.24 * max(2, count)


def _recipes(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), list(map(_short, names)))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.locator_params(axis="x", nbins=6)


def _short(name: str, most: int = 24) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"
