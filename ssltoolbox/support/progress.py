"""Shows the progress of long work: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

from ssltoolbox.support.terminal import NARROW

SECONDS_BETWEEN_LINES = 10.0
SHORTEST_BAR = 4


class Advance(Protocol):
    """Reports progress: see `ProgressLine.advance`."""

    def __call__(self, done: int, note: str = "", under_way: float = 0.0) -> None: ...


@contextmanager
def progress(console: Console | None, total: int, unit: str = "frames") -> Iterator[Advance]:
    """Shows how many units are done, and the time left; nothing without a console. See `ProgressLine`."""
    if console is None:
        yield _nothing_shown
        return
    line = ProgressLine(console, total, unit)
    line.start()
    try:
        yield line.advance
    finally:
        line.stop()


def _nothing_shown(done: int, note: str = "", under_way: float = 0.0) -> None: ...


class ProgressLine:
    """Shows how many units are done, a note, and the time left.

    Resumed work reports in its first call what was done before. It does not count for the speed.

    Args:
        console: where to show it; one that is not a terminal gets a plain line every ten seconds.
        total: how many units there are.
        unit: the name of the units.
        first_line: seconds from the start to the first plain line.
    """

    def __init__(
        self, console: Console, total: int, unit: str = "frames", first_line: float = SECONDS_BETWEEN_LINES
    ) -> None:
        self.console = console
        self.unit = unit
        self.first_line = first_line
        self.pace = Pace(total)
        self._live: _Lines | None = None
        self._task = TaskID(0)
        self._line_at = 0.0

    def start(self, total: int | None = None) -> None:
        """Opens the live line.

        Args:
            total: how many units there are, if that was not known before.
        """
        self.pace.total = self.pace.total if total is None else total
        self._line_at = time.perf_counter() + self.first_line
        if not self.console.is_terminal:
            return
        columns = (
            TextColumn(self.unit, table_column=Column(no_wrap=True)),
            MofNCompleteColumn(table_column=Column(no_wrap=True)),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[note]}", table_column=Column(no_wrap=True)),
        )
        self._live = _Lines(*columns, console=self.console)
        self._task = self._live.add_task(self.unit, total=self.pace.total, note="")
        self._live.start()

    def advance(self, done: int, note: str = "", under_way: float = 0.0) -> None:
        """Reports units that are done since the last call.

        Args:
            done: how many.
            note: shown next to the count; parts with two spaces between them. What does not fit is left out; a
                narrow terminal shows it below the line.
            under_way: how much of the units that are not done has been done, such as 0.4 of one.
        """
        self.pace.advance(done, under_way)
        if self._live:
            parts = note.split("  ")
            shown = fitting(parts, self.pace.left, self._room)
            self._live.rest = "" if self.console.width >= NARROW else "  ".join(rest_of(parts, shown))
            self._live.update(self._task, completed=self.pace.done + under_way, note=shown)
        elif (now := time.perf_counter()) >= self._line_at:
            self._line_at = now + SECONDS_BETWEEN_LINES
            beside = fitting([note], self.pace.left, None)
            line = f"{self.unit} {self.pace.done:,}/{self.pace.total:,}  {beside}"
            self.console.print(line.rstrip(), highlight=False, soft_wrap=True)

    @property
    def _room(self) -> int:
        """Characters that the unit, the count and the shortest bar leave."""
        count = f"{self.unit} {self.pace.total}/{self.pace.total} "
        return self.console.width - len(count) - SHORTEST_BAR - 1

    def stop(self) -> None:
        """Closes the live line, and leaves the terminal as it was."""
        if self._live:
            self._live.stop()
            self._live = None


def fitting(parts: Sequence[str], last: str, room: int | None) -> str:
    """The first parts that fit, and the last one in any case.

    Args:
        room: characters; None for any number.

    >>> fitting(["epoch 1", "loss 2.5"], "3:20 left", 20), fitting(["epoch 1"], "3:20 left", 5)
    ('epoch 1  3:20 left', '3:20 left')
    """
    for count in range(len(parts), -1, -1):
        text = "  ".join(filter(None, (*parts[:count], last)))
        if room is None or len(text) <= room:
            return text
    return last


def rest_of(parts: Sequence[str], shown: str) -> Sequence[str]:
    """The parts that `fitting` has left out.

    >>> rest_of(["epoch 1", "loss 2.5"], fitting(["epoch 1", "loss 2.5"], "3:20 left", 20))
    ['loss 2.5']
    """
    there = shown.split("  ")
    return [part for part in parts if part not in there]


class _Lines(Progress):
    """A live line, with lines below it for what it has no room for."""

    rest = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        if self.rest:
            yield Text(self.rest)


class Pace:
    """The time left, by the mean speed since the first report.

    A mean over the last seconds would jump: several processes often finish at once, and then nothing for minutes.

    Attributes:
        total, done: units.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self._worked = 0.0
        self._begun: tuple[float, float] | None = None
        self._latest = 0.0

    def advance(self, done: int, under_way: float = 0.0) -> None:
        """Reports that many more units, and how much of the others has been done."""
        self.done += done
        self._worked = self.done + under_way
        self._latest = time.perf_counter()
        self._begun = self._begun or (self._worked, self._latest)

    @property
    def left(self) -> str:
        """Such as `1:05:00 left`; empty while the speed is not known."""
        before, begun = self._begun or (0.0, 0.0)
        seconds = self._latest - begun
        if self._worked <= before or not seconds:
            return ""
        seconds_left = (self.total - self._worked) * seconds / (self._worked - before)
        minutes, rest = divmod(max(0, round(seconds_left)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"
