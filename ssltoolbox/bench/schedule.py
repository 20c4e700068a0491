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

from filelock import BaseFileLock

from ssltoolbox.bench.child import INTERRUPTED, Running, reason_of
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.launcher import Processes, RunLauncher
from ssltoolbox.bench.on_node import TAKEN
from ssltoolbox.registry.code import code_version
from ssltoolbox.support.interruption import STOP_SIGNALS

SECONDS_BETWEEN_STEPS = 0.2
SECONDS_BETWEEN_LOOKS = 2.0
"""Between two looks at the runs that others have."""


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
        launcher: starts the runs; as processes of this machine if not given.

    Attributes:
        states: the state of each run.
        reasons: why a failed run failed, in one line.
        children: the runs that were started here, and those that an earlier benchmark has left.
        code_changed: whether the code was edited since; then no further run is started.
        interrupted: whether a user stopped the benchmark.
    """

    def __init__(
        self,
        jobs: Sequence[Job],
        folder: BenchFolder,
        side_by_side: int,
        code: str,
        launcher: RunLauncher | None = None,
    ) -> None:
        self.reasons: dict[Job, str] = {}
        self.children: list[Running] = []
        self.code_changed = False
        self.interrupted = False
        self.side_by_side = side_by_side
        self._folder = folder
        self._code = code
        self._launcher = launcher or Processes(folder, side_by_side)
        self._claims: dict[Job, BaseFileLock] = {}
        self._attempts = {job: len(folder.record(job).attempts) for job in jobs}
        self._orphans: set[Job] = set()
        self._look_at = 0.0
        self.states = {job: self._first_state(job) for job in jobs}
        self._find_children()

    def of(self, state: JobState) -> list[Job]:
        """The runs in that state."""
        return [job for job, its in self.states.items() if its is state]

    def run(self, listener: Listener) -> None:
        """Runs until all jobs are done.

        On a signal of `STOP_SIGNALS` the runs save and stop. Only a further Ctrl-C ends them at once:
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
                self._stop(at_once=False)

    def _is_over(self, stop: StopRequest) -> bool:
        left = self.of(JobState.WAITING) or self.of(JobState.ELSEWHERE)
        return not self.children and bool(stop or self.code_changed or not left)

    def _step(self, listener: Listener, stop: StopRequest) -> None:
        """Collects the runs that have ended, handles requests to stop, and starts waiting runs."""
        self._collect(listener, stop)
        if stop.count > stop.handled:
            stop.handled = stop.count
            listener.stopping(len(self.children))
            self._stop(at_once=stop.count > 1)
        if not stop:
            self._start(listener)
        listener.tick()

    def _find_children(self) -> None:
        """Takes the runs that an earlier benchmark has started where the launcher can."""
        left = [job for job, state in self.states.items() if state is not JobState.CACHED]
        for child in self._launcher.find(left):
            if claim := self._folder.claim(child.job):
                self._claims[child.job] = claim
                self.children.append(child)
                self.states[child.job] = JobState.RUNNING
                self._orphans.discard(child.job)

    def _start(self, listener: Listener) -> None:
        """Starts as many waiting runs as the launcher takes."""
        self._look_elsewhere(listener)
        claimed = list(self._claimed(listener))
        for child in self._launcher.start(claimed) if claimed else ():
            claimed.remove(child.job)
            self.children.append(child)
            self.states[child.job] = JobState.RUNNING
            listener.started(child.job)
        for job in claimed:
            self._release(job)

    def _claimed(self, listener: Listener) -> Iterator[Job]:
        """Claims waiting runs that may start now."""
        waiting = self.of(JobState.WAITING)
        room = self._launcher.room(len(self.children) + len(self._orphans))
        if not waiting or room <= 0:
            return
        # Reading all the code takes time, and hundreds of runs may start together.
        self.code_changed = self.code_changed or code_version() != self._code
        if self.code_changed:
            return
        for job in waiting:
            if room <= 0:
                return
            if self._claim(job, listener):
                room -= 1
                yield job

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

    def _collect(self, listener: Listener, stop: StopRequest) -> None:
        """Collects the runs that have ended."""
        for child in [child for child in self.children if child.ended()]:
            self.children.remove(child)
            self._release(child.job)
            if child.exit_code == 0:
                self.states[child.job] = JobState.DONE
            elif stop:
                self.states[child.job] = JobState.STOPPED
            elif child.exit_code == TAKEN:
                self.states[child.job] = JobState.ELSEWHERE
                continue
            else:
                self.states[child.job] = JobState.FAILED
                self.reasons[child.job] = child.reason()
            listener.ended(child.job)

    def _stop(self, at_once: bool) -> None:
        self._launcher.stop([child.job for child in self.children], at_once)

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
    counted = [number for number in STOP_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, count) for number in counted}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
