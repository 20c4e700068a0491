"""How readable the texts of a figure are."""

from __future__ import annotations

from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text


def on_white(colour: str) -> float:
    """The contrast of a colour on white, by WCAG 2; text needs 4.5."""
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in to_rgb(colour)]
    red, green, blue = linear
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def hard_to_read(figure: Figure) -> list[str]:
    """The texts that are smaller than 9 points, or have too little contrast on white."""
    texts = [text for text in figure.findobj(Text) if text.get_text().strip() and text.get_visible()]
    return [
        text.get_text() for text in texts if text.get_fontsize() < 9 or on_white(str(text.get_color())) < 4.5
    ]
