"""Draws a preview as one PNG: a table of pictures, laid out in pixels."""

from __future__ import annotations

import io
import os
import textwrap
import warnings
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.preview import MOST_OTHERS, Instance, Preview, ShownDraw, Tile

DPI = 100
COLOURS = {"pulled": "#1a9641", "pushed": "#d7191c", "masked": "#e08214"}
INK, PALE = "#222222", "#777777"

MARGIN, LABEL = 24, 190
TILE, GAP = 136, 18
ARROW = 74
"""Room between two tiles with an arrow in it."""
SMALL, SMALL_GAP = 84, 10
LINE, BETWEEN_DRAWS = 176, 22
"""Height of a line with its captions, and what is added between draws."""
FACT, LEGEND, HEADING = 19, 23, 44


def write_page(preview: Preview, output: Path) -> None:
    """Writes the PNG beside `output`, then renames it.

    Raises:
        SslToolboxError: when it can't be written.
    """
    png = io.BytesIO()
    with warnings.catch_warnings():
        # A clip's name may have letters that the font lacks: boxes stand for them.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        page(preview).savefig(png, format="png", dpi=DPI)
    beside = output.with_name(f".{output.name}.part")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(png.getvalue())
        os.replace(beside, output)
    except OSError as error:
        raise SslToolboxError(f"can't write {output}: {error.strerror or error}") from error


@dataclass(frozen=True)
class _Columns:
    """Where the columns begin, in pixels from the left; None for one that is not there."""

    frame: int
    positive: int
    changed: int | None
    view_a: int
    view_b: int
    others: int | None
    masked: int | None
    width: int

    @classmethod
    def of(cls, preview: Preview) -> _Columns:
        """The columns that a preview needs."""
        frame = MARGIN + LABEL
        positive = frame + TILE + GAP
        changed = positive + TILE + GAP if preview.changes else None
        view_a = (changed or positive) + TILE + 3 * GAP
        view_b = view_a + TILE + ARROW
        end = view_b + TILE
        few = MOST_OTHERS * (SMALL + SMALL_GAP)
        others = end + 3 * GAP if preview.pushes else None
        masked = (others or 0) + few + 2 * GAP if preview.masks else None
        width = (masked or others or end - few) + few + MARGIN
        return cls(frame, positive, changed, view_a, view_b, others, masked, width)


def page(preview: Preview) -> Figure:
    """The picture."""
    columns = _Columns.of(preview)
    header = MARGIN + 40 + FACT * len(preview.facts) + 12 + LEGEND * len(preview.legend) + 12
    lines = sum(len(draw.instances) for draw in preview.draws)
    height = header + HEADING + lines * LINE + len(preview.draws) * BETWEEN_DRAWS + MARGIN
    figure = Figure(figsize=(columns.width / DPI, height / DPI), dpi=DPI, facecolor="white")
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, columns.width), ylim=(height, 0))
    axes.axis("off")
    _header(axes, preview)
    _headings(axes, columns, header + HEADING - 8)
    top = header + HEADING
    for number, draw in enumerate(preview.draws, start=1):
        _draw(axes, columns, draw, number, top)
        top += len(draw.instances) * LINE + BETWEEN_DRAWS
    return figure


def _header(axes: Axes, preview: Preview) -> None:
    _text(axes, MARGIN, MARGIN, preview.title, size=17, weight="bold")
    top = MARGIN + 40
    for name, text in preview.facts:
        _text(axes, MARGIN, top, name, colour=PALE)
        _text(axes, MARGIN + 150, top, text)
        top += FACT
    top += 12
    for relation, text in preview.legend:
        colour = COLOURS[relation]
        axes.add_patch(Rectangle((MARGIN, top), 15, 15, facecolor=colour, edgecolor="none"))
        _text(axes, MARGIN + 24, top, text, colour=colour, size=11, weight="bold")
        top += LEGEND


def _headings(axes: Axes, columns: _Columns, bottom: int) -> None:
    headings = {
        columns.frame: "frame",
        columns.positive: "its positive\nas drawn",
        columns.changed: "the positive\nchanged",
        columns.view_a: "view A\nof the frame",
        columns.view_b: "view B\nof the positive",
    }
    for left, text in headings.items():
        if left is not None:
            _text(axes, left + TILE / 2, bottom, text, across="center", down="bottom", weight="bold")
    if columns.others is not None:
        text = "pushed apart from these\nand all other draws"
        _text(axes, columns.others, bottom, text, down="bottom", weight="bold", colour=COLOURS["pushed"])
    if columns.masked is not None:
        text = "masked for the frame:\nfalse negatives"
        _text(axes, columns.masked, bottom, text, down="bottom", weight="bold", colour=COLOURS["masked"])


def _draw(axes: Axes, columns: _Columns, draw: ShownDraw, number: int, top: int) -> None:
    axes.plot([MARGIN, columns.width - MARGIN], [top, top], color="#cccccc", linewidth=0.8)
    top += BETWEEN_DRAWS - 8
    label = [f"person {draw.identity}", *textwrap.wrap(draw.clip, 26)]
    _text(axes, MARGIN, top, f"draw {number}", size=12, weight="bold")
    _text(axes, MARGIN, top + 44, "\n".join(label), size=8, colour=PALE)
    for index, instance in enumerate(draw.instances):
        _instance(axes, columns, instance, top + index * LINE)
        if index:
            _push_arrow(axes, columns, top + index * LINE)
