"""Pictures that are laid out in pixels, by matplotlib, and their PNGs."""

from __future__ import annotations

import io
import warnings

from matplotlib.axes import Axes
from matplotlib.figure import Figure

DPI = 100
"""Dots per inch of these pictures."""
INK, PALE = "#222222", "#6b6b6b"
"""Colours of text, dark enough to be read on white."""


def new_picture(width: float, height: float) -> Figure:
    """A white picture of that many pixels."""
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, facecolor="white")


def new_sheet(width: float, height: float) -> tuple[Figure, Axes]:
    """A white picture, and axes over all of it in pixels from its upper left corner."""
    figure = new_picture(width, height)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(0, width), ylim=(height, 0))
    axes.axis("off")
    return figure, axes


def axes_at(figure: Figure, x: float, y: float, width: float, height: float) -> Axes:
    """Axes at a place in pixels from the upper left corner."""
    whole, tall = (side * DPI for side in figure.get_size_inches())
    return figure.add_axes((x / whole, 1 - (y + height) / tall, width / whole, height / tall))


def png_of(figure: Figure) -> bytes:
    """A picture as a PNG."""
    png = io.BytesIO()
    with warnings.catch_warnings():
        # The font may lack letters of a name, such as that of a clip; it then draws boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(png, format="png", dpi=DPI)
    return png.getvalue()
