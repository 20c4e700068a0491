"""Names with texts, for terminals of any width."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ssltoolbox.support.terminal import NARROW

INDENT = 4
"""Spaces before a text that stands below its name."""


class NamedTexts:
    """Names in one column and their texts in the next; in a narrow terminal each text stands below its name."""

    def __init__(self) -> None:
        self._rows: list[tuple[Text, Text | None]] = []

    @property
    def is_empty(self) -> bool:
        """Whether nothing was added."""
        return not self._rows

    def add(self, name: str, text: str | Text, style: str = "") -> None:
        """Adds a name, which has the style, and its text."""
        self._rows.append((Text(name, style=style), Text(text) if isinstance(text, str) else text))

    def add_heading(self, text: str, style: str = "bold") -> None:
        """Adds a line without a text."""
        self._rows.append((Text(text, style=style), None))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if options.max_width >= NARROW:
            yield self._table()
            return
        for name, text in self._rows:
            yield name
            if text is not None:
                yield Padding(text, (0, 0, 0, INDENT))

    def _table(self) -> Table:
        table = two_columns()
        for name, text in self._rows:
            table.add_row(name, text)
        return table


def two_columns() -> Table:
    """A table without lines whose first column is as wide as its longest cell."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    return table


def titled(title: str, rows: Iterable[tuple[str, str]]) -> Group:
    """A title, and names with their texts below it."""
    texts = NamedTexts()
    for name, text in rows:
        texts.add(f" {name}", text, style="dim")
    return Group(Text(title, style="bold"), texts)
