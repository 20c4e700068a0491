"""matplotlib's figures as files."""

from __future__ import annotations

import io
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def png_of(figure: Figure, dpi: int) -> bytes:
    """A figure as a PNG."""
    png = io.BytesIO()
    with warnings.catch_warnings():
        # The font may lack letters of a name, such as that of a clip; it then draws boxes.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(png, format="png", dpi=dpi)
    return png.getvalue()
