"""Draws the badges of the README from pyproject.toml, so that a reader's browser need not fetch them elsewhere."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
HEIGHT, LETTER, PADDING, GAP = 20, 6.6, 7, 6
"""Pixels."""
LABEL, VALUE = "#4a5560", "#1d4f73"
"""Background colours; white on them has a contrast of more than 7."""


def facts() -> dict[str, str]:
    """Label → value of each badge."""
    project = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    (status,) = (each for each in project["classifiers"] if each.startswith("Development Status"))
    return {
        "python": project["requires-python"].replace(">=", "≥ "),
        "licence": project["license"],
        "status": status.rpartition(" - ")[2].lower(),
    }


def svg_of(badges: Mapping[str, str]) -> str:
    """The badges in a row."""
    left, parts = 0.0, []
    for label, value in badges.items():
        for text, colour in ((label, LABEL), (value, VALUE)):
            width = LETTER * len(text) + 2 * PADDING
            parts.append(
                f'<rect x="{left:g}" width="{width:g}" height="{HEIGHT}" fill="{colour}"/>\n'
                f'<text x="{left + width / 2:g}" y="14" textLength="{LETTER * len(text):g}">{text}</text>'
            )
            left = round(left + width, 1)
        left += GAP
    words = ", ".join(f"{label} {value}" for label, value in badges.items())
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left - GAP:g}" height="{HEIGHT}" role="img" '
        'fill="#fff" font-family="Verdana, DejaVu Sans, sans-serif" font-size="11" text-anchor="middle">\n'
        f"<title>{words}</title>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def draw_all() -> None:
    """Writes `badges.svg`."""
    (HERE / "badges.svg").write_text(svg_of(facts()), encoding="utf-8")
