"""The folder of a benchmark: its paths, and the records of its runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import filelock

from ssltoolbox.bench.jobs import Job
from ssltoolbox.support.files import in_use, write_json, write_text, writing_to

State = Literal["finished", "begun", "new"]


@dataclass(frozen=True)
class Attempt:
    """One process of a run. A resumed run has several attempts.

    Attributes:
        started: start time in UTC, as ISO 8601.
        seconds: how long the process ran; None while it runs. If the benchmark was killed: until the run last
            wrote a file.
        exit_code: exit code of the process, negative for a signal; None while it runs.
        peak_memory: the most bytes that one process of the run used.
    """

    started: str
    seconds: float | None = None
    exit_code: int | None = None
    peak_memory: int | None = None


@dataclass(frozen=True)
class Record:
    """The record of a run's attempts.

    Attributes:
        recipe: name of the run's recipe.
        steps: steps of its training.
        attempts: the attempts, oldest first.
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
        """Sum of the seconds of all attempts; None if one of them is unknown."""
        times = [attempt.seconds for attempt in self.attempts]
        return sum(time for time in times if time is not None) if times and None not in times else None

    @property
    def peak_memory(self) -> int | None:
        """The largest peak memory of all attempts, in bytes; None if unknown."""
        return max((attempt.peak_memory or 0 for attempt in self.attempts), default=0) or None


class BenchFolder:
    """The files of a benchmark, and the records of its runs."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.results = self.path / "results.json"
        self.table = self.path / "table.md"
        self.report = self.path / "report.html"
        self._jobs = self.path / "jobs"

    def make(self) -> None:
        """
        Raises:
            UserError: if the folder can't be written to.
        """
        with writing_to(self.path):
            self.path.mkdir(parents=True, exist_ok=True)
            self._jobs.mkdir(exist_ok=True)

    @contextmanager
    def writing_results(self) -> Iterator[None]:
        """Waits while another benchmark of this folder writes the results."""
        with filelock.FileLock(self.path / ".results.lock"):
            yield

    def claim(self, job: Job) -> filelock.BaseFileLock | None:
        """A lock with which no other benchmark of this folder starts the run; None if one has it."""
        lock = filelock.FileLock(self._jobs / f".{job.name}.lock")
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return None
        return lock

    def run(self, job: Job) -> Path:
        """The folder of a run."""
        return self.path / "runs" / job.name

    def recipe(self, job: Job) -> Path:
        """The file of the resolved recipe that a run is started with."""
        return self._jobs / f"{job.name}.yaml"

    def output(self, job: Job) -> Path:
        """The file with the output of a run's processes."""
        return self._jobs / f"{job.name}.out.txt"

    def submission(self, job: Job) -> Path:
        """The file that names the job of a cluster which does the run."""
        return self._jobs / f"{job.name}.submitted"

    def state(self, job: Job) -> State:
        """Whether a run is finished, begun or new. A run that a user has made by its command is finished too."""
        record = self.record(job)
        if self.complete(job) and (record.succeeded or not record.attempts):
            return "finished"
        return "begun" if self.run(job).exists() else "new"

    def complete(self, job: Job) -> bool:
        """True if the run has its last file, and no process works on it."""
        last = self.run(job) / ("evaluation.json" if job.evaluates else "backbone.safetensors")
        return last.exists() and not self.in_use(job)

    def in_use(self, job: Job) -> bool:
        """True if a process works on the run."""
        return in_use(self.run(job))

    def write_recipe(self, job: Job) -> None:
        """Writes the recipe that a run is started with."""
        write_text(self.recipe(job), job.text)

    def record(self, job: Job) -> Record:
        """The record of a run; a new run has no attempts."""
        path = self._record(job)
        return _read(path) if path.exists() else Record(job.recipe, job.steps)

    def records(self) -> Iterator[Record]:
        """The records of all runs that were ever started in this folder."""
        yield from map(_read, sorted(self._jobs.glob("*.json")))

    def begin(self, job: Job) -> None:
        """Writes the recipe of a run, and records the start of an attempt."""
        self.write_recipe(job)
        before = [self._closed(job, attempt) for attempt in self.record(job).attempts]
        attempt = Attempt(datetime.now(UTC).isoformat(timespec="seconds"))
        self._write(job, Record(job.recipe, job.steps, (*before, attempt)))

    def end(self, job: Job, seconds: float, exit_code: int, peak_memory: int) -> None:
        """Records the end of a run's last attempt."""
        record = self.record(job)
        *before, last = record.attempts
        last = replace(last, seconds=round(seconds, 3), exit_code=exit_code, peak_memory=peak_memory)
        self._write(job, replace(record, attempts=(*before, last)))

    def _closed(self, job: Job, attempt: Attempt) -> Attempt:
        """The attempt; if its time was not measured, with the time until the run last wrote a file."""
        if attempt.seconds is not None:
            return attempt
        started = datetime.fromisoformat(attempt.started).timestamp()
        written = [file.stat().st_mtime for file in self.run(job).rglob("*")]
        return replace(attempt, seconds=round(max([started, *written]) - started, 3))

    def _record(self, job: Job) -> Path:
        return self._jobs / f"{job.name}.json"

    def _write(self, job: Job, record: Record) -> None:
        write_json(self._record(job), asdict(record))


def _read(path: Path) -> Record:
    data = json.loads(path.read_text(encoding="utf-8"))
    return Record(data["recipe"], data["steps"], tuple(Attempt(**attempt) for attempt in data["attempts"]))
