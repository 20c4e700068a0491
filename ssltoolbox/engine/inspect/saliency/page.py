"""Draws saliency as one PNG: the faces in the first column, and a column for each network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from textwrap import wrap

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ssltoolbox.engine.inspect.saliency.faces import FaceImages
from ssltoolbox.engine.inspect.saliency.regions import OUTLINES, TOGETHER, Shares, region_masks
from ssltoolbox.support.figures import INK, PALE, axes_at, new_sheet, png_of
from ssltoolbox.support.files import write_bytes

TILE, GAP, MARGIN = 150, 8, 16
"""Pixels."""
CAPTION = 20
"""Height of the name below a face."""
TITLE, HEADING, NUMBERS, LEGEND = 52, 40, 104, 92
SCALE = 140
"""Width of the colour bar."""
COLOURS = "inferno"
LETTERS = 20
"""Longest line of a heading, and of a name."""
SMALLEST = 9
"""Font size in points."""


@dataclass(frozen=True)
class SaliencyColumn:
    """The maps and shares of one network; see `Seen`."""

    name: str
    maps: np.ndarray
    shares: Shares | None


def write_page(faces: FaceImages, columns: Sequence[SaliencyColumn], output: Path) -> None:
    """Writes the PNG beside `output`, then renames it.

    Raises:
        SslToolboxError: when it can't be written.
    """
    write_bytes(output, png_of(page(faces, columns)))


def page(faces: FaceImages, columns: Sequence[SaliencyColumn]) -> Figure:
    """The picture."""
    rows = len(faces.names)
    width = 2 * MARGIN + max(4, 1 + len(columns)) * (TILE + GAP)
    top = MARGIN + TITLE + HEADING
    bottom = top + rows * (TILE + CAPTION + GAP)
    height = bottom + NUMBERS + LEGEND
    figure, sheet = new_sheet(width, height)
    _text(sheet, MARGIN, MARGIN + 8, "Saliency: what the features depend on", size=15, weight="bold")
    _text(sheet, MARGIN, MARGIN + 32, f"drawn on {datetime.now(UTC):%Y-%m-%d}", PALE, size=SMALLEST)
    for row in range(rows):
        y = top + row * (TILE + CAPTION + GAP)
        image = faces.images[row].permute(1, 2, 0).numpy()
        _tile(figure, MARGIN, y).imshow(image)
        _text(sheet, MARGIN, y + TILE + CAPTION / 2, _short(faces.names[row]), PALE, size=SMALLEST)
        masks = region_masks(faces.landmarks[row], faces.size, faces.size)
        for number, column in enumerate(columns):
            _overlay(_tile(figure, _left(number), y), image, column.maps[row], masks)
    for number, column in enumerate(columns):
        heading = "\n".join(wrap(column.name, LETTERS)[:2])
        _text(sheet, _left(number), MARGIN + TITLE + HEADING / 2, heading, weight="bold")
        _text(sheet, _left(number), bottom + NUMBERS / 2, _numbers(column.shares), size=9)
    if any(column.shares for column in columns):
        _text(
            sheet,
            MARGIN,
            bottom + NUMBERS / 2,
            "share of saliency in\nthe outlined regions\n(share of area)",
            PALE,
        )
    _scale(figure, sheet, height - LEGEND + 10)
    explained = (
        "Each map has its own scale. Shares are means over the faces. Saliency that is the same everywhere would "
        "have the share of the area."
    )
    _text(
        sheet,
        MARGIN,
        height - LEGEND / 2 + 16,
        "\n".join(wrap(explained, int(width / 7))),
        PALE,
        size=SMALLEST,
    )
    return figure


def _scale(figure: Figure, sheet: Axes, y: float) -> None:
    """The colour bar: what dark and bright mean."""
    bar = axes_at(figure, MARGIN, y - 6, SCALE, 12)
    bar.axis("off")
    bar.imshow(np.linspace(0, 1, SCALE)[None], cmap=COLOURS, aspect="auto")
    words = "change of the features if the region is covered: none to the most in the map"
    _text(sheet, MARGIN + SCALE + GAP, y, "\n".join(wrap(words, 52)), PALE, size=SMALLEST)


def _short(name: str) -> str:
    """
    >>> _short("train clip 678 (person 594, take 2)")
    'train cli…4, take 2)'
    """
    half = LETTERS // 2
    return name if len(name) <= LETTERS else f"{name[: half - 1]}…{name[-half:]}"


def _left(number: int) -> float:
    """Left edge of a network's column."""
    return MARGIN + (1 + number) * (TILE + GAP)


def _tile(figure: Figure, x: float, y: float) -> Axes:
    axes = axes_at(figure, x, y, TILE, TILE)
    axes.axis("off")
    return axes


def _overlay(axes: Axes, image: np.ndarray, its_map: np.ndarray, masks: dict[str, np.ndarray] | None) -> None:
    """The map over the greyed image, with the outlines of the regions."""
    size = len(image)
    axes.imshow(image.mean(axis=2), cmap="gray", vmin=0, vmax=255)
    axes.imshow(
        its_map,
        cmap=COLOURS,
        alpha=0.6,
        vmin=0,
        extent=(-0.5, size - 0.5, size - 0.5, -0.5),
        interpolation="bilinear",
    )
    if masks is not None:
        for name in OUTLINES:
            axes.contour(masks[name], levels=[0.5], colors="white", linewidths=0.6)


def _numbers(shares: Shares | None) -> str:
    if shares is None:
        return "no landmarks,\nso no regions"
    names = (*OUTLINES, TOGETHER)
    return "\n".join(f"{name} {shares.saliency[name]:.0%} ({shares.area[name]:.0%})" for name in names)


def _text(
    axes: Axes, x: float, y: float, text: str, colour: str = INK, size: float = 9.5, weight: str = "normal"
) -> None:
    axes.text(x, y, text, color=colour, fontsize=size, weight=weight, va="center", parse_math=False)
