"""The font of text that Pillow draws into pictures."""

from __future__ import annotations

from pathlib import Path

import matplotlib
from PIL import ImageFont

FILE = "fonts/ttf/DejaVuSans.ttf"
"""In matplotlib's data. The font that comes with Pillow has only the letters of English."""


def font_of(size: int) -> ImageFont.FreeTypeFont:
    """The font of matplotlib's pictures, with letters of that many pixels."""
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / FILE), size)
