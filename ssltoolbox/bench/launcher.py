"""Starts the runs of a benchmark, on this machine or elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ssltoolbox.bench.child import Child, Running
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.share import Share, shares


class RunLauncher(Protocol):
    """Starts runs and ends them."""

    def room(self, busy: int) -> int:
        """How many runs may start now, while so many are busy.

        Raises:
            UserError: if no run can start.
        """
        ...

    def find(self, jobs: Sequence[Job]) -> Sequence[Running]:
        """Those of these runs that an earlier benchmark has started, if they can be waited for and ended."""
        ...

    def start(self, jobs: Sequence[Job]) -> Sequence[Running]:
        """Starts these runs, or some of them."""
        ...

    def stop(self, jobs: Sequence[Job], at_once: bool) -> None:
        """Lets these runs save and end, or ends them at once."""
        ...


class Processes:
    """Runs as processes of this machine.

    Args:
        folder: the benchmark's folder.
        side_by_side: the number of runs at a time; each has its share of the machine.
    """

    def __init__(self, folder: BenchFolder, side_by_side: int) -> None:
        self._folder = folder
        self._side_by_side = side_by_side
        self._shares = shares(side_by_side)
        self._children: list[Child] = []

    def room(self, busy: int) -> int:
        """The places that no run has."""
        return max(0, self._side_by_side - busy)

    def find(self, jobs: Sequence[Job]) -> Sequence[Child]:
        """None: the processes of a benchmark that was killed are not children of this one."""
        return []

    def start(self, jobs: Sequence[Job]) -> Sequence[Child]:
        """Starts a process for each run."""
        started = []
        for job in jobs:
            started.append(Child(job, self._folder, self._free_share()))
            self._children.append(started[-1])
        return started

    def stop(self, jobs: Sequence[Job], at_once: bool) -> None:
        """Signals the process of each run."""
        for child in self._children:
            if child.job in jobs:
                (child.kill if at_once else child.stop)()

    def _free_share(self) -> Share:
        """A share of the machine that no run has. With few cores, several shares are equal."""
        self._children = [child for child in self._children if child.exit_code is None]
        free = list(self._shares)
        for child in self._children:
            free.remove(child.share)
        return free[0]
