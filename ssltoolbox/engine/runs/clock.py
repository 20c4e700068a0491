"""How long a run has taken, over all its parts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.runs.folder import RunFolder


class Clock:
    """Counts the wall time of a run on top of what its environment.json has of its earlier parts."""

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder
        self._before = float(folder.recorded().get("seconds", 0.0))
        self._begun = time.monotonic()

    def record(self) -> None:
        """Writes the time so far into environment.json."""
        self.folder.add(seconds=round(self._before + time.monotonic() - self._begun, 1))

    def end(self) -> None:
        """Writes the time so far, and that the run has come to its end."""
        self.record()
        self.folder.add(ended=datetime.now(UTC).isoformat(timespec="seconds"))


@contextmanager
def timed(folder: RunFolder) -> Iterator[Clock]:
    """Records the time of a part of a run, also of one that is stopped or fails."""
    clock = Clock(folder)
    try:
        yield clock
    except BaseException:
        # What ended the run matters more than a disk that is full.
        with suppress(SslToolboxError):
            clock.record()
        raise
