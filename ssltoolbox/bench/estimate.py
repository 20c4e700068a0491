"""How long runs take, from those that are finished; unknown where there are none."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Sequence

from ssltoolbox.bench.child import Child
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.progress import progress_of
from ssltoolbox.bench.words import duration


class Estimates:
    """Times of runs, by recipe and length.

    Args:
        folder: the benchmark's; all runs that were ever finished there count.
    """

    def __init__(self, folder: BenchFolder) -> None:
        self._folder = folder
        self._times: dict[tuple[str, int], list[float]] = {}
        self._first_looks: dict[Child, tuple[int, float]] = {}
        self.learn()

    def learn(self) -> None:
        """Reads the records again."""
        times = defaultdict(list)
        for record in self._folder.records():
            if record.succeeded and record.seconds is not None:
                times[record.recipe, record.steps].append(record.seconds)
        self._times = dict(times)

    def of(self, job: Job) -> float | None:
        """Seconds that a run of this recipe and length takes; None where none has been finished."""
        times = self._times.get((job.recipe, job.steps))
        return statistics.median(times) if times else None

    def left(self, child: Child) -> float | None:
        """Seconds that a run still takes: by the runs before it, else by the pace of its own training."""
        now = progress_of(self._folder.run(child.job))
        first_step, first_time = self._first_looks.setdefault(child, (now.step, child.seconds))
        whole = self.of(child.job)
        if whole is not None and not child.goes_on:
            return max(0.0, whole - child.seconds)
        if now.trained or now.step == first_step:
            return None
        return (child.job.steps - now.step) * (child.seconds - first_time) / (now.step - first_step)

    def left_in_words(self, waiting: Sequence[Job], children: Sequence[Child], side_by_side: int) -> str:
        """The time until all is done, as far as it is known."""
        times = [*map(self.of, waiting), *map(self.left, children)]
        return in_words(times, side_by_side)


def in_words(times: Sequence[float | None], side_by_side: int) -> str:
    """The time that runs take together.

    >>> in_words([60, 60], 2), in_words([60, None], 1), in_words([None], 1)
    ('about 1:00', 'more than 1:00', 'unknown')
    """
    known = sum(time for time in times if time is not None) / side_by_side
    if None not in times:
        return f"about {duration(known)}"
    return f"more than {duration(known)}" if known else "unknown"
