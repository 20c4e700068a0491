"""Shows how far long work is: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

SECONDS_BETWEEN_LINES = 10.0

Tick = Callable[[int], None]
"""Told how many frames, or other units, are done since the last call."""


@contextmanager
def progress(console: Console, total: int, unit: str = "frames") -> Iterator[Tick]:
    """Shows how many units are done, and the time left.

    Resumed work reports what was done before in its first call: it does not count as speed.

    Args:
        console: where to.
        total: how many units there are.
        unit: what they are.
    """
    if not console.is_terminal:
        yield _Lines(total, console, unit)
        return
    pace = Pace(total)
    columns = (
        TextColumn(unit),
        MofNCompleteColumn(),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(unit, total=total, left="")

        def tick(done: int) -> None:
            pace.advance(done)
            bar.update(task, completed=pace.done, left=pace.left)

        yield tick


class Pace:
    """The time left, by the mean speed since the first report.

    A mean over the last seconds would jump: several processes often finish at once, and then nothing for minutes.

    Attributes:
        total, done: units.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.done = 0
        self._begun: tuple[int, float] | None = None
        self._latest = 0.0

    def advance(self, done: int) -> None:
        """Reports that many more units."""
        self.done += done
        self._latest = time.perf_counter()
        self._begun = self._begun or (self.done, self._latest)

    @property
    def left(self) -> str:
        """Such as `1:05:00 left`; empty while the speed is not known."""
        before, begun = self._begun or (0, 0.0)
        seconds = self._latest - begun
        if self.done == before or not seconds:
            return ""
        minutes, rest = divmod(round((self.total - self.done) * seconds / (self.done - before)), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02d}:{rest:02d} left" if hours else f"{minutes}:{rest:02d} left"


class _Lines:
    """A line now and then, for logs."""

    def __init__(self, total: int, console: Console, unit: str) -> None:
        self.console, self.unit = console, unit
        self.pace = Pace(total)
        self._line_at = time.perf_counter() + SECONDS_BETWEEN_LINES

    def __call__(self, done: int) -> None:
        self.pace.advance(done)
        now = time.perf_counter()
        if now < self._line_at:
            return
        self._line_at = now + SECONDS_BETWEEN_LINES
        line = f"{self.pace.done:,}/{self.pace.total:,} {self.unit}  {self.pace.left}"
        self.console.print(line.rstrip(), highlight=False, soft_wrap=True)
