"""How far long work is: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0

Tick = Callable[[int], None]
"""Told how many frames are done since the last time."""


@contextmanager
def progress(console: Console, total: int, unit: str = "frames") -> Iterator[Tick]:
    """Shows how many are done, and the time left.

    Args:
        console: where to.
        total: how many there are to do.
        unit: what they are.
    """
    if not console.is_terminal:
        yield _Lines(total, console, unit)
        return
    columns = (TextColumn(unit), MofNCompleteColumn(), BarColumn(bar_width=None), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(unit, total=total)
        yield lambda done: bar.advance(task, done)


class _Lines:
    """A line now and then, for logs."""

    def __init__(self, total: int, console: Console, unit: str) -> None:
        self.total, self.console, self.unit = total, console, unit
        self.done = 0
        self._begun: tuple[int, float] | None = None
        self._line_at = time.perf_counter() + SECONDS_BETWEEN_LINES

    def __call__(self, done: int) -> None:
        self.done += done
        now = time.perf_counter()
        # What was done before a kill comes at once, and must not count for the speed.
        self._begun = self._begun or (self.done, now)
        if now < self._line_at:
            return
        self._line_at = now + SECONDS_BETWEEN_LINES
        since, then = self._begun
        left = (self.total - self.done) * (now - then) / max(self.done - since, 1)
        self.console.print(
            f"{self.done:,}/{self.total:,} {self.unit}  {int(left) // 60}:{int(left) % 60:02d} left",
            highlight=False,
            soft_wrap=True,
        )
