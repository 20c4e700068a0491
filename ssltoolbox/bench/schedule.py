"""Runs each job in a process of its own, one after another or in parallel, until all end or a user stops them."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from types import FrameType
from typing import Protocol

from filelock import BaseFileLock

from ssltoolbox.bench.child import Child, Running, reason_of
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.share import Share, shares
from ssltoolbox.registry.code import code_version

SECONDS_BETWEEN_STEPS = 0.2
SECONDS_BETWEEN_LOOKS = 2.0
"""Between two looks at the runs that others have."""
INTERRUPTED = 130
"""Exit code of a run that was stopped, and goes on with the next benchmark."""
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
    """Another benchmark of this folder has it, or a process that outlived its benchmark."""
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
        folder: of the benchmark. Another benchmark may work on it at the same time: each run is claimed by one.
        side_by_side: the number of runs at a time.
        code: the version of the code that planned the jobs.
        launch: starts a run; as a process of this machine if not given.

    Attributes:
        states: the state of each run.
        reasons: why a failed run failed, in one line.
        children: the runs that were started here.
        code_changed: whether the code was edited since; then no further run is started.
        interrupted: whether a user stopped the benchmark.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: BenchFolder,
        side_by_side: int,
        code: str,
        launch: Callable[[Job, Share], Running] | None = None,
    ) -> None:
        self.reasons: dict[Job, str] = {}
        self.children: list[Running] = []
        self.code_changed = False
        self.interrupted = False
        self.side_by_side = side_by_side
        self._folder = folder
        self._code = code
        self._launch = launch or (lambda job, share: Child(job, folder, share))
        self._shares = shares(side_by_side)
        self._claims: dict[Job, BaseFileLock] = {}
        self._attempts = {job: len(folder.record(job).attempts) for job in jobs}
        self._orphans: set[Job] = set()
        self._look_at = 0.0
        self.states = {job: self._first_state(job) for job in jobs}

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
        self._look_elsewhere(listener)
        for job in self.of(JobState.WAITING):
            if len(self.children) + len(self._orphans) >= self.side_by_side:
                return
            self.code_changed = self.code_changed or code_version() != self._code
            if self.code_changed:
                return
            if self._claim(job, listener):
                self.children.append(self._launch(job, self._free_share()))
                self.states[job] = JobState.RUNNING
                listener.started(job)

    def _look_elsewhere(self, listener: Listener) -> None:
        """Looks now and then whether the runs that others have are done."""
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + SECONDS_BETWEEN_LOOKS
        for job in self.of(JobState.ELSEWHERE):
            if self._claim(job, listener):
                self._release(job)
                self.states[job] = JobState.WAITING

    def _claim(self, job: Job, listener: Listener) -> bool:
        """Claims a run that is to be done here. Otherwise its state says why it is not."""
        self._orphans.discard(job)
        claim = self._folder.claim(job)
        if claim is None:
            self.states[job] = JobState.ELSEWHERE
            return False
        self._claims[job] = claim
        if self._folder.in_use(job):
            self._orphans.add(job)
            self.states[job] = JobState.ELSEWHERE
        elif self._folder.state(job) == "finished":
            self.states[job] = JobState.DONE
            listener.ended(job)
        elif self._failed_elsewhere(job):
            self.states[job] = JobState.FAILED
            self.reasons[job] = reason_of(job, self._folder, self._folder.record(job).attempts[-1].exit_code)
            listener.ended(job)
        else:
            return True
        self._release(job)
        return False

    def _failed_elsewhere(self, job: Job) -> bool:
        """Whether another benchmark has tried the run since this one began, and it failed. One try is enough."""
        attempts = self._folder.record(job).attempts
        code = attempts[-1].exit_code if len(attempts) > self._attempts[job] else None
        return code is not None and code > 0 and code != INTERRUPTED

    def _release(self, job: Job) -> None:
        self._claims.pop(job).release()

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
            self._release(child.job)
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

    def _first_state(self, job: Job) -> JobState:
        if self._folder.state(job) == "finished":
            return JobState.CACHED
        if self._folder.in_use(job):
            self._orphans.add(job)
            return JobState.ELSEWHERE
        return JobState.WAITING


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
