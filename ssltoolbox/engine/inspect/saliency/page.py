"""Draws saliency as one PNG: the faces in the first column, and a column for each network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
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
TITLE, HEADING, NUMBERS, LEGEND = 34, 40, 104, 52
LETTERS = 20
"""Longest line of a heading."""


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
    bottom = top + rows * (TILE + GAP)
    height = bottom + NUMBERS + LEGEND
    figure, sheet = new_sheet(width, height)
    _text(sheet, MARGIN, MARGIN + 8, "Where does it look?", size=15, weight="bold")
    for row in range(rows):
        y = top + row * (TILE + GAP)
        image = faces.images[row].permute(1, 2, 0).numpy()
        _tile(figure, MARGIN, y).imshow(image)
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
    explained = (
        "Bright: the features change much if the region is covered. Each map has its own scale. Shares are means "
        "over the faces. Saliency that is the same everywhere would have the share of the area."
    )
    _text(sheet, MARGIN, height - LEGEND / 2, "\n".join(wrap(explained, int(width / 6.2))), PALE, size=8)
    return figure


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
        cmap="inferno",
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
