"""Draws predictions over time as one PNG: for each face some of its images, and curves below them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ssltoolbox.engine.predict.gathered import FaceCurve, Gathered
from ssltoolbox.engine.predict.predictor import Shown, by_output
from ssltoolbox.support.figures import INK, PALE, axes_at, new_picture, png_of
from ssltoolbox.support.files import write_bytes
from ssltoolbox.support.words import counted

WIDTH, LEFT, RIGHT, MARGIN = 1200, 76, 210, 16
"""Pixels."""
TITLE, STRIP, PLOT, GAP, AXIS = 34, 78, 150, 22, 44
MOST_FACES = 6
"""Faces in the picture: those that are seen longest."""
MARKED = 40
"""Curves of fewer points than this have a mark for each."""
GAP_STEPS = 2.5
"""A curve is broken where no point comes for this many usual steps."""


@dataclass(frozen=True, eq=False)
class _Panel:
    """One plot below a face.

    Attributes:
        title: of its axis.
        lines: name and position among the predictions.
        limits: of its axis; None leaves it to the values.
    """

    title: str
    lines: Sequence[tuple[str, int]]
    limits: tuple[float, float] | None


def write_curves(gathered: Gathered, outputs: Sequence[Shown], output: Path) -> int:
    """Writes the PNG beside `output`, then renames it; gives the number of faces that are drawn.

    Raises:
        SslToolboxError: when it can't be written.
    """
    curves = sorted(gathered.curves, key=lambda curve: -len(curve.rows))[:MOST_FACES]
    sources = list(dict.fromkeys(curve.source for curve in gathered.curves))
    curves.sort(key=lambda curve: (sources.index(curve.source), curve.face))
    others = len(gathered.curves) - len(curves) + gathered.left_out
    write_bytes(output, png_of(picture(curves, outputs, others)))
    return len(curves)


def picture(curves: Sequence[FaceCurve], outputs: Sequence[Shown], others: int = 0) -> Figure:
    """The picture.

    Args:
        curves: the faces.
        outputs: what was predicted.
        others: faces that are not drawn.
    """
    panels = _panels(outputs, np.concatenate([np.stack(curve.values) for curve in curves]))
    block = TITLE + STRIP + len(panels) * (PLOT + GAP) + AXIS
    height = 2 * MARGIN + len(curves) * block + (TITLE if others else 0)
    figure = new_picture(WIDTH, height)
    for number, curve in enumerate(curves):
        _face(figure, curve, panels, MARGIN + number * block)
    if others:
        text = f"not drawn: {counted(others, 'face')} seen more briefly"
        figure.text(LEFT / WIDTH, (MARGIN + TITLE / 2) / height, text, color=PALE, fontsize=10)
    return figure


def _panels(outputs: Sequence[Shown], values: np.ndarray) -> list[_Panel]:
    """A panel for each label; numbers of at most about 1 share one."""
    panels: list[_Panel] = []
    small: list[tuple[str, int]] = []
    for shown, columns in by_output(outputs, np.arange(values.shape[1])):
        if shown.output.kind == "number":
            line = shown.title, int(columns[0])
            if np.abs(values[:, line[1]]).max() <= 1.5:
                small.append(line)
            else:
                panels.append(_Panel(shown.title, [line], None))
        else:
            lines = list(zip(shown.output.names, columns.tolist(), strict=True))
            panels.append(_Panel(f"{shown.title}\nprobability", lines, (0, 1)))
    if small:
        most = max(1.0, *(float(np.abs(values[:, column]).max()) for _, column in small))
        panels.append(_Panel("value", small, (-most, most)))
    return panels


def _face(figure: Figure, curve: FaceCurve, panels: Sequence[_Panel], top: float) -> None:
    times = curve.times
    span = _span(times)
    name = f"{curve.source}, face {curve.face}"
    facts = f"{counted(len(times), 'frame')}, {times[0]:.1f} to {times[-1]:.1f} s"
    title = axes_at(figure, LEFT, top, WIDTH - LEFT - MARGIN, TITLE)
    title.axis("off")
    title.text(0, 0.5, _shortened(name), fontsize=12, weight="bold", color=INK, va="center", parse_math=False)
    title.text(1, 0.5, facts, fontsize=10, color=PALE, va="center", ha="right")
    _strip(figure, curve, span, top + TITLE)
    for number, panel in enumerate(panels):
        y = top + TITLE + STRIP + GAP / 2 + number * (PLOT + GAP)
        axes = axes_at(figure, LEFT, y, WIDTH - LEFT - RIGHT, PLOT)
        _plot(axes, panel, times, np.stack(curve.values), span)
        if number + 1 < len(panels):
            axes.tick_params(labelbottom=False)
        else:
            axes.set_xlabel("seconds", fontsize=9, color=INK)


def _strip(figure: Figure, curve: FaceCurve, span: tuple[float, float], top: float) -> None:
    """Images of the face above the time at which they were seen."""
    width = WIDTH - LEFT - RIGHT
    slots = int(width // (STRIP + 4))
    positions = np.array(sorted(curve.images))
    times = curve.times[positions]
    for slot in range(slots):
        middle = span[0] + (slot + 0.5) / slots * (span[1] - span[0])
        nearest = int(np.abs(times - middle).argmin())
        if abs(times[nearest] - middle) > (span[1] - span[0]) / slots / 2 * 1.01:
            continue
        x = LEFT + (slot + 0.5) * width / slots - (STRIP - 4) / 2
        tile = axes_at(figure, x, top + 2, STRIP - 4, STRIP - 4)
        tile.axis("off")
        tile.imshow(curve.images[int(positions[nearest])], interpolation="bilinear")


def _plot(
    axes: Axes, panel: _Panel, times: np.ndarray, values: np.ndarray, span: tuple[float, float]
) -> None:
    marker = "." if len(times) < MARKED else None
    colours = matplotlib.colormaps["tab20" if len(panel.lines) > 10 else "tab10"].colors  # type: ignore[attr-defined]
    for number, (name, column) in enumerate(panel.lines):
        x, y = _broken(times, values[:, column])
        colour = colours[number % len(colours)]
        axes.plot(x, y, label=name, color=colour, linewidth=1.6, marker=marker, markersize=5)
    axes.set_xlim(*span)
    if panel.limits:
        margin = 0.03 * (panel.limits[1] - panel.limits[0])
        axes.set_ylim(panel.limits[0] - margin, panel.limits[1] + margin)
        if panel.limits[0] < 0:
            axes.axhline(0, color=PALE, linewidth=0.6)
    axes.set_ylabel(panel.title, fontsize=9, color=INK, parse_math=False)
    axes.tick_params(labelsize=8)
    axes.grid(alpha=0.25, linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
    _legend(axes, len(panel.lines))


def _legend(axes: Axes, lines: int) -> None:
    legend = axes.legend(
        loc="center left",
        bbox_to_anchor=(1.01, 0.5),
        fontsize=9 if lines <= 8 else 7,
        ncols=1 if lines <= 10 else 2,
        frameon=False,
        borderaxespad=0,
        labelspacing=0.25,
        columnspacing=0.8,
        handlelength=1.4,
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
        text.set_text(_shortened(text.get_text(), 22 if lines <= 10 else 10))


def _broken(times: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The points of a line, with NaN where the face was not seen for longer than usual."""
    steps = np.diff(times)
    if not len(steps):
        return times, values
    after = np.flatnonzero(steps > GAP_STEPS * np.median(steps)) + 1
    return np.insert(times, after, np.nan), np.insert(values.astype(float), after, np.nan)


def _span(times: np.ndarray) -> tuple[float, float]:
    """What the axis of time shows: a little more than all points."""
    first, last = float(times[0]), float(times[-1])
    margin = 0.01 * (last - first) if last > first else 0.5
    return first - margin, last + margin


def _shortened(text: str, letters: int = 80) -> str:
    return text if len(text) <= letters else f"…{text[1 - letters :]}"
