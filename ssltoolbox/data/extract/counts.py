"""Frames of the videos under way, shared by the processes that extract them, and shown while they work."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ctypes import c_int64
from multiprocessing import get_context
from typing import NamedTuple

import numpy as np

from ssltoolbox.support.progress import ProgressLine

SECONDS_BETWEEN_LOOKS = 0.5


class UnderWay(NamedTuple):
    """Videos that were begun and are not done.

    Attributes:
        positions: [n] their positions among all.
        looked_at, expected: frames of all of them.
        share: how many videos their frames make up, from 0 to n.
    """

    positions: np.ndarray
    looked_at: int
    expected: int
    share: float


class FrameCounts:
    """For each video the frames looked at, and those expected.

    It needs no lock, because one process at a time works on a video; so a process that is killed blocks no other.
    It is passed to processes when they start.
    """

    def __init__(self, videos: int) -> None:
        self._shared = get_context("spawn").RawArray(c_int64, 2 * videos)

    def report(self, position: int, looked_at: int, expected: int) -> None:
        """Stores the counts of a video under way.

        Args:
            position: of the video among all.
            looked_at: frames so far.
            expected: all its frames; 0 if that is not known.
        """
        self._rows()[position] = looked_at, expected

    def finish(self, position: int) -> None:
        """Takes a video out that is done."""
        self._rows()[position] = 0

    def under_way(self) -> UnderWay:
        """The videos under way."""
        rows = self._rows().copy()
        positions = np.flatnonzero(rows[:, 0])
        looked_at, expected = rows[positions, 0], rows[positions].max(axis=1)
        share = float((looked_at / expected).sum()) if len(positions) else 0.0
        return UnderWay(positions, int(looked_at.sum()), int(expected.sum()), share)

    def _rows(self) -> np.ndarray:
        return np.ctypeslib.as_array(self._shared).reshape(-1, 2)


@contextmanager
def frames_shown(
    line: ProgressLine, counts: FrameCounts, names: Sequence[str]
) -> Iterator[Callable[[int], None]]:
    """Shows videos done and the frames of those under way, as long as the context is open.

    Args:
        line: its units are videos.
        counts: they are looked at twice a second.
        names: of the videos, by position.

    Yields:
        a function that takes the number of videos done since the last call.
    """
    closed, lock = threading.Event(), threading.Lock()

    def show(done: int) -> None:
        with lock:
            now = counts.under_way()
            line.advance(done, _note(now, names), now.share)

    def look() -> None:
        while not closed.wait(SECONDS_BETWEEN_LOOKS):
            show(0)

    watcher = threading.Thread(target=look, daemon=True)
    line.start()
    watcher.start()
    try:
        yield show
    finally:
        closed.set()
        watcher.join()
        line.stop()


def _note(now: UnderWay, names: Sequence[str]) -> str:
    """Such as `talk.mp4 120/4,500 frames`, or `2 videos 300/9,000 frames`."""
    if not len(now.positions):
        return ""
    which = names[now.positions[0]] if len(now.positions) == 1 else f"{len(now.positions):,} videos"
    return f"{which} {now.looked_at:,}/{now.expected:,} frames"
