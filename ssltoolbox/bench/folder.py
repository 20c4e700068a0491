"""The folder of a benchmark: its paths, and the records of each run's attempts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from ssltoolbox.bench.jobs import Job
from ssltoolbox.support.files import in_use, locked, write_json, write_text

State = Literal["finished", "begun", "new"]


@dataclass(frozen=True)
class Attempt:
    """One process of a run. A resumed run has several attempts.

    Attributes:
        started: when, in UTC.
        seconds: how long it took; None while it runs. Where the benchmark itself was killed, until the run's last
            sign of life.
        exit_code: of the process; negative for the signal that ended it.
        peak_memory: bytes of its largest process.
    """

    started: str
    seconds: float | None = None
    exit_code: int | None = None
    peak_memory: int | None = None


@dataclass(frozen=True)
class Record:
    """The record of a run's attempts.

    Attributes:
        recipe: its name.
        steps: of its training.
        attempts: in order.
    """

    recipe: str
    steps: int
    attempts: tuple[Attempt, ...] = ()

    @property
    def succeeded(self) -> bool:
        """True if the last attempt finished."""
        return bool(self.attempts) and self.attempts[-1].exit_code == 0

    @property
    def seconds(self) -> float | None:
        """Seconds of all attempts together; None if one was not measured."""
        times = [attempt.seconds for attempt in self.attempts]
        return sum(time for time in times if time is not None) if times and None not in times else None

    @property
    def peak_memory(self) -> int | None:
        """The largest value of all attempts, in bytes."""
        return max((attempt.peak_memory or 0 for attempt in self.attempts), default=0) or None


class BenchFolder:
    """Paths of a benchmark, and what is recorded in them."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.results = self.path / "results.json"
        self.table = self.path / "table.md"
        self.report = self.path / "report.html"
        self._jobs = self.path / "jobs"

    def locked(self) -> AbstractContextManager[None]:
        """Locks the folder; see `support.files.locked`."""
        return locked(self.path)

    def run(self, job: Job) -> Path:
        """The run folder."""
        return self.path / "runs" / job.name

    def recipe(self, job: Job) -> Path:
        """The resolved recipe that the run is started with."""
        return self._jobs / f"{job.name}.yaml"

    def output(self, job: Job) -> Path:
        """The output of the run's processes."""
        return self._jobs / f"{job.name}.out.txt"

    def state(self, job: Job) -> State:
        """How far a run has come."""
        run = self.run(job)
        last = run / ("evaluation.json" if job.evaluates else "backbone.safetensors")
        if self.record(job).succeeded and last.exists():
            return "finished"
        return "begun" if run.exists() else "new"

    def in_use(self, job: Job) -> bool:
        """True if a process of an earlier benchmark still works on the run."""
        return in_use(self.run(job))

    def record(self, job: Job) -> Record:
        """The record of a run; without attempts for a new run."""
        path = self._record(job)
        return _read(path) if path.exists() else Record(job.recipe, job.steps)

    def records(self) -> Iterator[Record]:
        """Of all runs that were ever made here."""
        yield from map(_read, sorted(self._jobs.glob("*.json")))

    def begin(self, job: Job) -> None:
        """Writes the recipe, and records the start of an attempt."""
        write_text(self.recipe(job), job.text)
        before = [self._closed(job, attempt) for attempt in self.record(job).attempts]
        attempt = Attempt(datetime.now(UTC).isoformat(timespec="seconds"))
        self._write(job, Record(job.recipe, job.steps, (*before, attempt)))

    def end(self, job: Job, seconds: float, exit_code: int, peak_memory: int) -> None:
        """Records how the last attempt ended."""
        record = self.record(job)
        *before, last = record.attempts
        last = replace(last, seconds=round(seconds, 3), exit_code=exit_code, peak_memory=peak_memory)
        self._write(job, replace(record, attempts=(*before, last)))

    def _closed(self, job: Job, attempt: Attempt) -> Attempt:
        """The attempt, with a time from the files if no process measured it."""
        if attempt.seconds is not None:
            return attempt
        started = datetime.fromisoformat(attempt.started).timestamp()
        signs = [file.stat().st_mtime for file in self.run(job).rglob("*")]
        return replace(attempt, seconds=round(max([started, *signs]) - started, 3))

    def _record(self, job: Job) -> Path:
        return self._jobs / f"{job.name}.json"

    def _write(self, job: Job, record: Record) -> None:
        write_json(self._record(job), asdict(record))


def _read(path: Path) -> Record:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Record(data["recipe"], data["steps"], tuple(Attempt(**attempt) for attempt in data["attempts"]))
