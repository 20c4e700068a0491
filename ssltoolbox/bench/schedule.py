"""Runs each job in a process of its own, one after another or in parallel, until all end or a user stops them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import FrameType
from typing import Protocol

from ssltoolbox.bench.child import Child
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.share import Share, shares
from ssltoolbox.registry.code import code_version

SECONDS_BETWEEN_STEPS = 0.2
_SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1")
    if hasattr(signal, name)  # Windows has two of them
)


class JobState(Enum):
    """The state of a run."""

    CACHED = "cached"
    WAITING = "waiting"
    ELSEWHERE = "elsewhere"
    """A process of an earlier benchmark still runs it."""
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"

    @property
    def has_results(self) -> bool:
        """Whether the run is complete."""
        return self in (JobState.CACHED, JobState.DONE)


class Listener(Protocol):
    """Gets the events of a schedule."""

    def started(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None: ...

    def stopping(self, count: int) -> None: ...

    def tick(self) -> None: ...


@dataclass
class StopRequest:
    """Counts the requests to stop, and those that were handled."""

    count: int = 0
    handled: int = 0

    def __bool__(self) -> bool:
        return self.count > 0


class JobSchedule:
    """The runs of a benchmark and their states.

    Args:
        jobs: in the order in which they are started.
        folder: locked by the caller.
        side_by_side: the number of runs at a time.
        code: the version of the code that planned the jobs.

    Attributes:
        states: the state of each run.
        reasons: why a failed run failed, in one line.
        children: the processes of running runs.
        code_changed: whether the code was edited since; then no further run is started.
        interrupted: whether a user stopped the benchmark.
    """

    def __init__(self, jobs: Sequence[Job], folder: BenchFolder, side_by_side: int, code: str) -> None:
        self.states = {job: self._first_state(job, folder) for job in jobs}
        self.reasons: dict[Job, str] = {}
        self.children: list[Child] = []
        self.code_changed = False
        self.interrupted = False
        self.side_by_side = side_by_side
        self._folder = folder
        self._code = code
        self._shares = shares(side_by_side)

    def of(self, state: JobState) -> list[Job]:
        """The runs in that state."""
        return [job for job, its in self.states.items() if its is state]

    def run(self, listener: Listener) -> None:
        """Runs until all jobs are done.

        On Ctrl-C, SIGTERM, SIGHUP or SIGUSR1 the runs save and stop. Only a further Ctrl-C ends them at once:
        schedulers may repeat their signals.
        """
        with _stop_requests() as stop:
            try:
                while not self._is_over(stop):
                    self._step(listener, stop)
                    time.sleep(SECONDS_BETWEEN_STEPS)
            finally:
                self.interrupted = bool(stop)
                # Children are left only after an exception in this process.
                for child in self.children:
                    child.stop()

    def _is_over(self, stop: StopRequest) -> bool:
        left = self.of(JobState.WAITING) or self.of(JobState.ELSEWHERE)
        return not self.children and bool(stop or self.code_changed or not left)

    def _step(self, listener: Listener, stop: StopRequest) -> None:
        """Collects the runs that have ended, handles requests to stop, and starts waiting runs."""
        self._collect(listener, stop)
        if stop.count > stop.handled:
            stop.handled = stop.count
            self._stop(listener, at_once=stop.count > 1)
        if not stop:
            self._start(listener)
        listener.tick()

    def _start(self, listener: Listener) -> None:
        """Starts waiting runs while fewer than `side_by_side` are running."""
        for job in self.of(JobState.ELSEWHERE):
            if not self._folder.in_use(job):
                self.states[job] = JobState.WAITING
        room = self.side_by_side - len(self.children) - len(self.of(JobState.ELSEWHERE))
        for job in self.of(JobState.WAITING)[: max(0, room)]:
            self.code_changed = self.code_changed or code_version() != self._code
            if self.code_changed:
                return
            self.children.append(Child(job, self._folder, self._free_share()))
            self.states[job] = JobState.RUNNING
            listener.started(job)

    def _free_share(self) -> Share:
        """A share of the machine that no run has. With few cores, several shares are equal."""
        free = list(self._shares)
        for child in self.children:
            free.remove(child.share)
        return free[0]

    def _collect(self, listener: Listener, stop: StopRequest) -> None:
        """Collects the runs that have ended."""
        for child in [child for child in self.children if child.ended()]:
            self.children.remove(child)
            if child.exit_code == 0:
                self.states[child.job] = JobState.DONE
            elif stop:
                self.states[child.job] = JobState.STOPPED
            else:
                self.states[child.job] = JobState.FAILED
                self.reasons[child.job] = child.reason()
            listener.ended(child.job)

    def _stop(self, listener: Listener, at_once: bool) -> None:
        listener.stopping(len(self.children))
        for child in self.children:
            if at_once:
                child.kill()
            else:
                child.stop()

    @staticmethod
    def _first_state(job: Job, folder: BenchFolder) -> JobState:
        if folder.state(job) == "finished":
            return JobState.CACHED
        return JobState.ELSEWHERE if folder.in_use(job) else JobState.WAITING


@contextmanager
def _stop_requests() -> Iterator[StopRequest]:
    """Counts signals instead of raising an exception anywhere in the program, so that no process is lost."""
    stop = StopRequest()

    def count(number: int, _: FrameType | None) -> None:
        if not stop or number == signal.SIGINT:
            stop.count += 1

    # `nohup` ignores SIGHUP, so that a benchmark does not stop when its terminal is closed.
    counted = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, count) for number in counted}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
