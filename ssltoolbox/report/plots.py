"""Plots as SVG in a data URI, with text that stays text."""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ssltoolbox.report.files import Curve
from ssltoolbox.report.results import Result

WIDTH = 4.0
"""Inches, of 72 pixels on a screen: a plot is about as wide as a phone, so its text is not shrunk there."""
COLOURS = ("#1f5f99", "#d9730d", "#3d8c40", "#8e44ad", "#b03a2e", "#5d6d7e")
UNTRAINED_COLOUR = "#b9c0c8"
STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e7eb",
    "axes.edgecolor": "#8a939d",
    "axes.axisbelow": True,
    # A dollar in a name is no formula.
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "ssltoolbox",
}


def curves_plot(curves: Mapping[str, Curve], from_zero: bool) -> str:
    """Curves over steps, with a legend where there are several."""
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(2.3)
        for (name, curve), colour in zip(curves.items(), _colours(len(curves)), strict=True):
            marker = "o" if len(curve.steps) == 1 else ""
            axes.plot(
                curve.steps, curve.values, color=colour, linewidth=1.3, marker=marker, label=_words(name)
            )
        axes.set_xlabel("step")
        if from_zero:
            axes.set_ylim(0, 1.08 * max(max(curve.values) for curve in curves.values()) or 1)
        if len(curves) > 1:
            _legend(axes)
        return as_svg(figure)


def results_plot(results: Sequence[Result], name: str) -> str:
    """Bars of each result, and of the untrained network."""
    with matplotlib.rc_context(STYLE):
        figure, axes = new_figure(0.8 + 0.45 * len(results))
        positions = range(len(results))
        trained, random = [result.trained for result in results], [result.random for result in results]
        _bars(axes, -0.2, trained, COLOURS[0], name)
        if any(value is not None for value in random):
            _bars(axes, 0.2, [value or 0.0 for value in random], UNTRAINED_COLOUR, "untrained")
        axes.set_yticks(positions, [_bar_label(result) for result in results])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.axvline(0, color="#8a939d", linewidth=0.8)
        _legend(axes)
        return as_svg(figure)


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
        axes.plot([0, 1], [0, 1], color="#8a939d", linewidth=0.8)
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
                colour = "white" if share > 0.5 else "#1c2733"
                axes.text(column, row, f"{share:.0%}", ha="center", va="center", color=colour, fontsize=7)
        return as_svg(figure)


def map_plot(points: Sequence[Sequence[float]], groups: Sequence[int], names: Sequence[str]) -> str:
    """Points [x, y] in the colour of their group; grey for the group -1.

    Args:
        names: of the groups, for a legend; none without.
    """
    present = sorted(set(groups) - {-1})
    colours = _group_colours(len(present))
    with matplotlib.rc_context({**STYLE, "axes.grid": False}):
        figure, axes = new_figure(WIDTH + (0.7 if names else 0))
        for group, colour in zip([-1, *present], [UNTRAINED_COLOUR, *colours], strict=True):
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
        return as_svg(figure)


def _group_colours(count: int) -> list[Any]:
    """Colours that are far apart, and none of them grey."""
    tab10 = matplotlib.colormaps["tab10"]
    few = [tab10(position) for position in range(10) if position != 7]
    many = matplotlib.colormaps["turbo"]
    return few[:count] if count <= len(few) else [many(position / count) for position in range(count)]


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
    axes.legend(
        frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, fontsize=8, columnspacing=1.0
    )


def _colours(count: int) -> list[str]:
    return [COLOURS[position % len(COLOURS)] for position in range(count)]


def _words(name: str) -> str:
    return name.removesuffix("_per_draw").replace("_", " ")


def _bar_label(result: Result) -> str:
    label = " ".join(filter(None, [result.name, result.metric_label, result.arrow]))
    return label + (f"\n{result.how}" if result.how else "")


def as_svg(figure: Figure) -> str:
    """The plot as a data URI."""
    text = io.BytesIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return data_uri(text.getvalue(), "image/svg+xml")


def data_uri(content: bytes, mime: str) -> str:
    """A file's content as an address, so that a page needs no other file."""
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
