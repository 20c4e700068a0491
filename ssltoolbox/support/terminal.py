"""The width of terminals, and lines printed as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NARROW = 60
"""Columns of a terminal, in fewer of which a note gets a line of its own, and a table becomes a list."""


def print_line(console: Console, line: str) -> None:
    """Prints a line without colours. Brackets in it are not markup, and the terminal wraps it."""
    console.print(line, highlight=False, markup=False, soft_wrap=True)
