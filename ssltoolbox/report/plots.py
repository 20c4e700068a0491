"""Plots as SVG in a data URI, with text that stays text."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ssltoolbox.report.files import Curve
from ssltoolbox.report.results import Result

WIDTH = 4.0
"""Inches, of 72 pixels on a screen: a plot is about as wide as a phone, so its text is not shrunk there."""
COLOURS = ("#1f5f99", "#d9730d", "#3d8c40", "#8e44ad", "#b03a2e", "#5d6d7e")
UNTRAINED_COLOUR = "#8f99a3"
NOT_LABELLED_COLOUR = "#b9c0c8"
INK = "#1c2733"
AXIS = "#8a939d"
GRID = "#e4e7eb"
IN_THE_DARK = {
    INK: "#e3e7eb",
    AXIS: "#7d8893",
    GRID: "#303943",
    COLOURS[0]: "#6cb0ee",
    COLOURS[1]: "#f0963f",
    COLOURS[2]: "#6fc173",
    COLOURS[3]: "#c58be0",
    COLOURS[4]: "#ec7f73",
    COLOURS[5]: "#a9b6c2",
}
"""What a colour becomes where the reader prefers a dark page."""
_DARK_RULES = "".join(
    f'[style*="{key}: {light}"] {{{key}: {dark} !important}}'
    for light, dark in IN_THE_DARK.items()
    for key in ("fill", "stroke")
)
DARK = f"@media (prefers-color-scheme: dark) {{{_DARK_RULES}}}"
"""CSS within each figure: an image doesn't see the style of its page."""
BETTER = {"↑": "better →", "↓": "← better", "": "neither direction is better"}
"""The label of an axis by the arrow of its metric."""
LEGEND_LETTERS, HANDLE_LETTERS = 60, 9
"""Letters that fit above a plot, and the room that the line before a name takes."""
ROW_HEIGHT = 0.42
PANEL_HEIGHT = 0.55
"""Inches of a row of dots, and of a panel besides its rows."""
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.facecolor": "none",
    "figure.facecolor": "none",
    "legend.facecolor": "none",
    "grid.color": GRID,
    "axes.edgecolor": AXIS,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.titlecolor", "xtick.color", "ytick.color"), INK),
    "axes.axisbelow": True,
    # A dollar in a name is no formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "ssltoolbox",
}


def curves_plot(curves: Mapping[str, Curve], from_zero: bool, numbers: Sequence[int] | None = None) -> str:
    """Curves over steps, with a legend where there are several.

    Args:
        curves: by name.
        from_zero: whether the axis begins at 0.
        numbers: which of the colours each curve has; the first ones if not given.
    """
    with matplotlib.rc_context(STYLE):
        legend_lines = math.ceil(len(curves) / _legend_columns(curves))
        figure, axes = new_figure(2.3 + 0.16 * (legend_lines - 1))
        numbers = range(len(curves)) if numbers is None else numbers
        for (name, curve), colour in zip(curves.items(), _colours(numbers), strict=True):
            marker = "o" if len(curve.steps) == 1 else ""
            axes.plot(curve.steps, curve.values, color=colour, linewidth=1.3, marker=marker, label=name)
        axes.set_xlabel("step")
        if from_zero:
            axes.set_ylim(0, 1.08 * max(max(curve.values) for curve in curves.values()) or 1)
        if len(curves) > 1:
            _legend(axes)
        return as_svg(figure)


def results_plot(results: Sequence[Result], name: str) -> str:
    """A dot with its interval for each result, and an open dot for the untrained network.

    Results whose better direction differs are in panels of their own.
    """
    panels = [(arrow, own) for arrow in BETTER if (own := [each for each in results if each.arrow == arrow])]
    with matplotlib.rc_context(STYLE):
        height = 0.5 + sum(PANEL_HEIGHT + ROW_HEIGHT * len(own) for _, own in panels)
        figure = Figure(figsize=(WIDTH, height), layout="constrained")
        ratios = [PANEL_HEIGHT + ROW_HEIGHT * len(own) for _, own in panels]
        axes = figure.subplots(len(panels), height_ratios=ratios, squeeze=False)[:, 0]
        for panel, (arrow, own) in zip(axes, panels, strict=True):
            _dots(panel, own, name)
            panel.set_xlabel(BETTER[arrow], fontsize=8)
        _legend(axes[0])
        return as_svg(figure)


def _dots(axes: Axes, results: Sequence[Result], name: str) -> None:
    """A row for each result, the first one at the top."""
    for row, result in enumerate(results):
        _dot(axes, row, result, COLOURS[0], "" if row else name)
    if random := [(each.random, row) for row, each in enumerate(results) if each.random is not None]:
        open_dot: dict[str, Any] = {
            "color": UNTRAINED_COLOUR,
            "markersize": 7,
            "markerfacecolor": "none",
            "markeredgewidth": 1.6,
        }
        axes.plot(*zip(*random, strict=True), "o", label="untrained", **open_dot)
    rows_of(axes, [_row_label(result) for result in results])


def runs_plot(results: Mapping[str, Result], numbers: Sequence[int]) -> str:
    """One metric: a dot with its interval for each run.

    Args:
        results: by the run's name.
        numbers: which of the colours each run has.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(PANEL_HEIGHT + 0.3 * max(2, len(results)))
        for row, (result, colour) in enumerate(zip(results.values(), _colours(numbers), strict=True)):
            _dot(axes, row, result, colour)
        rows_of(axes, list(map(shortened, results)))
        first = next(iter(results.values()))
        axes.set_xlabel(BETTER[first.arrow], fontsize=8)
        return as_svg(figure)


def shortened(name: str, most: int = 24) -> str:
    """A name that leaves room for the plot."""
    return name if len(name) <= most else name[: most - 1] + "…"


def _dot(axes: Axes, row: int, result: Result, colour: str, name: str = "") -> None:
    """A result and its interval."""
    low, high = result.interval or (result.trained, result.trained)
    axes.plot([low, high], [row, row], color=colour, linewidth=2, solid_capstyle="butt")
    axes.plot(result.trained, row, "o", color=colour, markersize=7, label=name or None)


def rows_of(axes: Axes, names: Sequence[str]) -> None:
    """Rows for dots, the first one at the top, with their names at the left."""
    axes.set_yticks(range(len(names)), list(names))
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(axis="y", visible=False)
    axes.locator_params(axis="x", nbins=6)


def columns_plot(trained: Mapping[str, float], random: Mapping[str, float], name: str) -> str:
    """Bars for each column of a label, and for the untrained network."""
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(0.8 + 0.3 * len(trained))
        _bars(axes, -0.2, list(trained.values()), COLOURS[0], name)
        if random:
            _bars(axes, 0.2, [random.get(column, 0.0) for column in trained], UNTRAINED_COLOUR, "untrained")
        axes.set_yticks(range(len(trained)), list(trained))
        axes.set_xlim(0, 1)
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        _legend(axes)
        return as_svg(figure)


def roc_plot(
    trained: Mapping[str, Sequence[float]], random: Mapping[str, Sequence[float]] | None, name: str
) -> str:
    """True over false accepts of pairs, of the run and of the untrained network.

    Args:
        trained, random: have `false_accepts` and `true_accepts`.
    """
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(WIDTH * 0.85)
        axes.plot([0, 1], [0, 1], color=AXIS, linewidth=0.8)
        axes.plot(trained["false_accepts"], trained["true_accepts"], color=COLOURS[0], label=name)
        if random:
            axes.plot(
                random["false_accepts"], random["true_accepts"], color=UNTRAINED_COLOUR, label="untrained"
            )
        axes.set_xlabel("false accepts")
        axes.set_ylabel("true accepts")
        axes.set_aspect("equal")
        _legend(axes)
        return as_svg(figure)


def confusion_plot(names: Sequence[str], counts: Sequence[Sequence[int]]) -> str:
    """The share of each class's frames that was predicted as each class; rows are the truth."""
    shares = [[count / max(sum(row), 1) for count in row] for row in counts]
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure, axes = new_figure(WIDTH * 0.85)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        positions = range(len(names))
        axes.set_xticks(positions, names, rotation=45, ha="right")
        axes.set_yticks(positions, names)
        axes.set_xlabel("predicted")
        for row, line in enumerate(shares):
            for column, share in enumerate(line):
                colour = "white" if share > 0.5 else "black"
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=7)
        return as_svg(figure)


def map_plot(
    points: Sequence[Sequence[float]], groups: Sequence[int], names: Sequence[str] | Mapping[int, str]
) -> tuple[str, list[tuple[float, float]]]:
    """Points [x, y] in the colour of their group; grey for the group -1.

    Args:
        names: of the groups, for a legend; none without.

    Returns:
        The plot, and where in it each point is: shares of its width from the left, and of its height from the top.
    """
    present = sorted(set(groups) - {-1})
    colours = _group_colours(len(present))
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure, axes = new_figure(WIDTH + (0.7 if names else 0))
        for group, colour in zip([-1, *present], [NOT_LABELLED_COLOUR, *colours], strict=True):
            own = [point for point, its in zip(points, groups, strict=True) if its == group]
            if own:
                label = names[group] if names and group >= 0 else "not labelled"
                x, y = zip(*own, strict=True)
                axes.scatter(x, y, s=9, color=colour, linewidths=0, label=label)
        axes.axis("off")
        if names:
            # Below, so that the tops of two adjacent maps are aligned.
            axes.legend(
                frameon=False, loc="upper center", bbox_to_anchor=(0.5, 0), ncols=3, fontsize=8, markerscale=2
            )
        plot = as_svg(figure)
        # The axes have their place once the figure is drawn.
        places = figure.transFigure.inverted().transform(axes.transData.transform(points))
        return plot, [(round(float(x), 4), round(1 - float(y), 4)) for x, y in places]


def _group_colours(count: int) -> list[Any]:
    """Colours that are far apart, none of them grey, and none too dark or too pale for a page of either mode."""
    tab10 = matplotlib.colormaps["tab10"]
    few = [tab10(position) for position in range(10) if position != 7]
    many = matplotlib.colormaps["turbo"]
    return (
        few[:count]
        if count <= len(few)
        else [many(0.1 + 0.8 * position / count) for position in range(count)]
    )


def new_figure(height: float) -> tuple[Figure, Axes]:
    """A plot of the report's width and this height in inches."""
    # Without pyplot: it keeps state, and looks for a display.
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def _bars(axes: Axes, shift: float, values: Sequence[float], colour: str, label: str) -> None:
    positions = [position + shift for position in range(len(values))]
    axes.barh(positions, values, height=0.38, color=colour, label=label)


def _legend(axes: Axes) -> None:
    """Above the plot, where it hides nothing."""
    lines, names = axes.get_legend_handles_labels()
    axes.legend(
        lines,
        [shortened(name, LEGEND_LETTERS - HANDLE_LETTERS) for name in names],
        frameon=False,
        loc="lower center",
        bbox_to_anchor=(0.5, 1.0),
        ncols=_legend_columns(names),
        fontsize=8,
        columnspacing=1.0,
    )


def _legend_columns(names: Iterable[str]) -> int:
    """As many columns as there is room for names of this length, but at most three.

    >>> _legend_columns(["a", "b"]), _legend_columns(["simclr-mask_fn-seed0-a2bdf8d08074", "byol"])
    (3, 1)
    """
    longest = max(map(len, names))
    return min(max(LEGEND_LETTERS // (longest + HANDLE_LETTERS), 1), 3)


def _colours(numbers: Iterable[int]) -> list[str]:
    return [COLOURS[number % len(COLOURS)] for number in numbers]


def _row_label(result: Result) -> str:
    label = " ".join(filter(None, [result.name, result.metric_label, result.arrow]))
    return label + (f"\n{result.how}" if result.how else "")


def as_svg(figure: Figure) -> str:
    """The plot as a data URI."""
    text = io.BytesIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    svg = text.getvalue().replace(b"<defs>", f"<style>{DARK}</style>\n <defs>".encode(), 1)
    return data_uri(svg, "image/svg+xml")


def data_uri(content: bytes, mime: str) -> str:
    """A file's content as an address, so that a page needs no other file."""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
