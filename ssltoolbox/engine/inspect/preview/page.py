"""Draws a preview as one PNG: a table of images, laid out in pixels."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ssltoolbox.engine.inspect.preview.content import (
    MOST_CROPS,
    MOST_OTHERS,
    Instance,
    Preview,
    ShownDraw,
    Tile,
)
from ssltoolbox.engine.inspect.preview.words import Relation
from ssltoolbox.support.figures import DPI, INK, PALE, new_sheet, png_of
from ssltoolbox.support.files import write_bytes

COLOURS = {"pulled": "#1a9641", "pushed": "#d7191c", "masked": "#e08214", "neither": PALE}
"""Colours of frames and arrows."""
INKS = {"pulled": "#157a35", "pushed": "#c4161a", "masked": "#a65a00", "neither": PALE}
"""The same for text, dark enough to be read on white: their contrast is above 5."""

MARGIN, LABEL = 24, 210
LEAST_WIDTH = 900
"""Leaves room for the text above the images."""
TILE, GAP = 136, 18
ARROW = 74
"""Space between the views, for an arrow."""
SMALL, SMALL_GAP = 84, 10
LINE, BEFORE_DRAW = 174, 14
"""Height of a row with its captions, and the space above the first row of a draw."""
TITLE, FACT, LEGEND, HEADING = 52, 19, 23, 62
FACTS = MARGIN + 150
"""Left edge of the facts, after their names."""
SMALLEST, WORDS, BIG = 9, 9.5, 11
"""Font sizes in points."""
LETTERS = 20
"""Characters of the longest line of text beside a draw."""


def write_page(preview: Preview, output: Path) -> None:
    """Writes the PNG beside `output`, then renames it.

    Raises:
        SslToolboxError: when it can't be written.
    """
    write_bytes(output, png_of(page(preview)))


@dataclass(frozen=True)
class _Columns:
    """Left edges of the columns in pixels; None for a column that is not there."""

    frame: int
    positive: int | None
    changed: int | None
    view_a: int
    view_b: int | None
    crops: int | None
    others: int | None
    masked: int | None
    width: int

    @classmethod
    def of(cls, preview: Preview) -> _Columns:
        """The columns that a preview needs."""
        frame = MARGIN + LABEL
        positive = frame + TILE + GAP if preview.pairs else None
        changed = positive + TILE + GAP if positive and preview.changes else None
        view_a = (changed or positive or frame) + TILE + 3 * GAP
        view_b = view_a + TILE + ARROW if preview.pairs else None
        end = (view_b or view_a) + TILE
        crops = end + 3 * GAP if preview.crops else None
        end = crops + MOST_CROPS * (SMALL + SMALL_GAP) if crops else end
        few = MOST_OTHERS * (SMALL + SMALL_GAP)
        others = end + 3 * GAP if preview.pushed_heading else None
        masked = (others or 0) + few + 2 * GAP if preview.masks else None
        width = max((masked or others or end - few) + few + MARGIN, LEAST_WIDTH)
        return cls(frame, positive, changed, view_a, view_b, crops, others, masked, width)


def page(preview: Preview) -> Figure:
    """The picture."""
    columns = _Columns.of(preview)
    facts = [(name, _wrapped(text, columns.width - FACTS, 0.72 * WORDS)) for name, text in preview.facts]
    legend = [
        (relation, _wrapped(text, columns.width - 2 * MARGIN, 0.9 * BIG)) for relation, text in preview.legend
    ]
    table = TITLE + FACT * _lines(facts) + LEGEND * _lines(legend) + HEADING
    heights = [BEFORE_DRAW + LINE * len(draw.instances) for draw in preview.draws]
    height = table + sum(heights) + MARGIN
    figure, axes = new_sheet(columns.width, height)
    _text(axes, MARGIN, MARGIN + 16, preview.title, size=17, weight="bold")
    _facts(axes, facts, TITLE + FACT)
    _legend(axes, legend, TITLE + FACT + FACT * _lines(facts) + 10)
    _headings(axes, columns, preview.pushed_heading, table)
    for number, draw in enumerate(preview.draws):
        _draw(axes, columns, draw, number + 1, table + sum(heights[:number]))
    return figure


def _wrapped(text: str, room: float, letter: float) -> list[str]:
    """Lines that fit into `room` pixels; `letter` is the mean width of a letter in pixels."""
    return textwrap.wrap(text, int((room - MARGIN) / letter))


def _lines(entries: Sequence[tuple[str, list[str]]]) -> int:
    return sum(len(lines) for _, lines in entries)


def _facts(axes: Axes, facts: Sequence[tuple[str, list[str]]], y: float) -> None:
    for name, lines in facts:
        _text(axes, MARGIN, y, name, colour=PALE)
        _text(axes, FACTS, y, "\n".join(lines))
        y += FACT * len(lines)


def _legend(axes: Axes, legend: Sequence[tuple[Relation, list[str]]], y: float) -> None:
    for relation, lines in legend:
        colour = COLOURS[relation]
        axes.add_patch(Rectangle((MARGIN, y - 13), 15, 15, facecolor=colour, edgecolor="none"))
        _text(axes, MARGIN + 24, y, "\n".join(lines), colour=INKS[relation], size=BIG, weight="bold")
        y += LEGEND * len(lines)


def _headings(axes: Axes, columns: _Columns, pushed: str, bottom: int) -> None:
    headings = [
        (columns.frame, "\nframe"),
        (columns.positive, "its positive\nunchanged"),
        (columns.changed, "its positive\nchanged"),
        (columns.view_a, "view A\nof the frame"),
        (columns.view_b, "view B\nof the positive"),
    ]
    line = bottom - 26
    for left, text in headings:
        if left is not None:
            _text(axes, left + TILE / 2, line, text, across="center", weight="bold")
    if columns.crops is not None:
        _text(axes, columns.crops, line, "\nlocal crops", weight="bold")
    if columns.others is not None:
        _text(axes, columns.others, line, pushed, weight="bold", colour=INKS["pushed"])
    if columns.masked is not None:
        text = "masked for the frame:\nnot pushed apart"
        _text(axes, columns.masked, line, text, weight="bold", colour=INKS["masked"])


def _draw(axes: Axes, columns: _Columns, draw: ShownDraw, number: int, top: int) -> None:
    axes.plot([MARGIN, columns.width - MARGIN], [top, top], color="#cccccc", linewidth=0.8)
    top += BEFORE_DRAW
    words = [f"person {draw.identity}", *textwrap.wrap(draw.clip, LETTERS)]
    if draw.more_hard:
        words += ["", f"{draw.more_hard} more hard", "negatives not shown"]
    _text(axes, MARGIN, top + 12, f"sample {number}", size=12, weight="bold")
    _text(axes, MARGIN, top + 32, "\n".join(words), size=SMALLEST, colour=PALE)
    for index, instance in enumerate(draw.instances):
        _instance(axes, columns, instance, top + index * LINE)
        if index and columns.view_b is not None:
            _push_arrow(axes, columns, top + index * LINE)


def _instance(axes: Axes, columns: _Columns, instance: Instance, top: int) -> None:
    middle = top + TILE / 2
    _text(axes, columns.frame - 12, middle, instance.name.replace(" ", "\n", 1), across="right")
    _tile(axes, columns.frame, top, TILE, instance.frame)
    if columns.positive is not None and instance.positive:
        _tile(axes, columns.positive, top, TILE, instance.positive)
    if columns.changed is not None and instance.changed:
        _tile(axes, columns.changed, top, TILE, instance.changed)
    elif columns.changed is not None:
        _text(axes, columns.changed + TILE / 2, middle, "not changed", across="center", colour=PALE)
    _views(axes, columns, instance, top)
    if columns.crops is not None:
        _small_tiles(axes, columns.crops, top, instance.crops, "")
    if columns.others is not None:
        _small_tiles(axes, columns.others, top, instance.others, COLOURS["pushed"])
    if columns.masked is not None:
        _small_tiles(axes, columns.masked, top, instance.masked, COLOURS["masked"])
        _beside_masked(axes, columns.masked, top, instance)


def _beside_masked(axes: Axes, left: int, top: int, instance: Instance) -> None:
    if not instance.masked:
        _text(axes, left, top + TILE / 2, "none", colour=PALE)
    if instance.more_masked:
        text = f"and {instance.more_masked} more"
        _text(axes, left, top + TILE + 16, text, size=SMALLEST, colour=PALE)


def _views(axes: Axes, columns: _Columns, instance: Instance, top: int) -> None:
    colour, middle = COLOURS["pulled"], top + TILE / 2
    if columns.view_b is None or instance.view_b is None:
        _tile(axes, columns.view_a, top, TILE, instance.view_a)
        return
    _tile(axes, columns.view_a, top, TILE, instance.view_a, colour)
    _tile(axes, columns.view_b, top, TILE, instance.view_b, colour)
    _arrow(axes, (columns.view_a + TILE, middle), (columns.view_b, middle), colour)
    between = columns.view_b - ARROW / 2
    _text(
        axes, between, middle - 26, "pulled\ntogether", across="center", size=SMALLEST, colour=INKS["pulled"]
    )


def _push_arrow(axes: Axes, columns: _Columns, top: int) -> None:
    """An arrow between the views of two rows of a draw."""
    between, colour = columns.view_a + TILE + ARROW / 2, COLOURS["pushed"]
    _arrow(axes, (between, top - LINE + TILE - 10), (between, top + 10), colour)
    _text(
        axes, between + 8, top - (LINE - TILE) / 2 + 4, "pushed apart", size=SMALLEST, colour=INKS["pushed"]
    )


def _small_tiles(axes: Axes, left: int, top: int, tiles: tuple[Tile, ...], colour: str) -> None:
    for number, tile in enumerate(tiles):
        _tile(axes, left + number * (SMALL + SMALL_GAP), top, SMALL, tile, colour)


def _tile(axes: Axes, left: float, top: float, side: int, tile: Tile, colour: str = "") -> None:
    axes.imshow(
        tile.image, extent=(left, left + side, top + side, top), interpolation="hanning", aspect="auto"
    )
    if colour:
        dashes: Any = (0, (2, 1)) if tile.doubtful else "solid"
        frame = Rectangle(
            (left, top), side, side, fill=False, edgecolor=colour, linewidth=3, linestyle=dashes
        )
        axes.add_patch(frame)
    _text(axes, left + side / 2, top + side + 16, tile.caption, across="center", size=SMALLEST)


def _arrow(axes: Axes, start: tuple[float, float], end: tuple[float, float], colour: str) -> None:
    style = {"arrowstyle": "<|-|>", "color": colour, "linewidth": 2, "shrinkA": 3, "shrinkB": 3}
    axes.annotate("", xy=end, xytext=start, arrowprops=style)


def _text(
    axes: Axes,
    x: float,
    y: float,
    text: str,
    *,
    across: Literal["left", "center", "right"] = "left",
    size: float = WORDS,
    weight: str = "normal",
    colour: str = INK,
) -> None:
    """Draws lines of text at equal distances; the baseline of the first line is at `y`."""
    for number, line in enumerate(text.split("\n")):
        below = y + number * 1.3 * size * DPI / 72
        # Dollar signs in a name do not start a formula.
        axes.text(
            x, below, line, ha=across, va="baseline", size=size, weight=weight, color=colour, parse_math=False
        )
