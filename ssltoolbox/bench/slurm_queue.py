"""SLURM's jobs, asked by one command for all of them."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssltoolbox.api import SslToolboxError, UserError

SECONDS_BETWEEN_RESULTS = 2.0
"""Between two looks at the files with the results of jobs."""
SECONDS_BETWEEN_QUERIES = (2.0, 30.0)
"""The fewest and the most seconds between two queries; there are fewer while no jobs are submitted or ended."""
SECONDS_TO_ANSWER = 60.0
LOOKS_TO_END = 2
"""Queries that must agree that a job has ended: SLURM shows a job that it queues again so for a moment."""
LOOKS_FOR_RESULT = 10
"""The same for a job that ended by itself: on NFS its result may be seen some seconds later."""
WAITING = frozenset({"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"})
ENDED = frozenset(
    {
        "BOOT_FAIL",
        "CANCELLED",
        "COMPLETED",
        "DEADLINE",
        "FAILED",
        "NODE_FAIL",
        "OUT_OF_MEMORY",
        "PREEMPTED",
        "REVOKED",
        "TIMEOUT",
    }
)
GONE = "GONE"
"""The state of a job that SLURM no longer knows."""
_UNKNOWN_JOB = "Invalid job id"


@dataclass(frozen=True)
class QueueEntry:
    """A job in the queue.

    Attributes:
        state: SLURM's word, such as `PENDING`, or `GONE`.
        reason: why a job waits, in SLURM's word, such as `Priority`.
        looks: in how many queries, one after the other, the job had ended.
    """

    state: str = "PENDING"
    reason: str = ""
    looks: int = 0

    @property
    def ended(self) -> bool:
        """True if enough queries agree."""
        by_itself = self.state in ("COMPLETED", "FAILED")
        return self.looks >= (LOOKS_FOR_RESULT if by_itself else LOOKS_TO_END)


class SlurmQueue:
    """SLURM's jobs and their states.

    `squeue` answers on every cluster; `sacct`, which submitit asks, only where SLURM keeps accounts.

    Args:
        logs: submitit's folder, where a job that has finished leaves a file with its result.

    Raises:
        UserError: if SLURM's commands are not installed.
    """

    cluster = "slurm"
    """submitit's name for it."""
    holds_all = True
    """All jobs may be queued together, because an array limits how many run."""

    def __init__(self, logs: Path) -> None:
        if not all(map(shutil.which, ("sbatch", "squeue", "scancel"))):
            raise UserError("there is no slurm here", "run bench where sbatch is")
        self._logs = logs
        self._entries: dict[str, QueueEntry] = {}
        self._results: set[str] = set()
        self._changed = self._asked = self._listed = float("-inf")

    def submitting(self) -> AbstractContextManager[None]:
        """Nothing: SLURM starts the processes."""
        return nullcontext()

    def job(self, submitted: Any) -> SlurmJob:
        """A job that has just been submitted; SLURM is asked for it from now on."""
        self._entries[submitted.job_id] = QueueEntry()
        self._look_soon()
        return SlurmJob(submitted, self)

    def left(self, numbers: Collection[str]) -> list[SlurmJob]:
        """The jobs with these numbers that have not ended, and that SLURM is not about to queue again."""
        import submitit

        jobs = [self.job(submitit.SlurmJob(self._logs, number)) for number in numbers]
        if jobs:
            self.ask()
        ended = [job for job in jobs if job.seems_ended]
        for job in ended:
            self.forget(job.job_id)
        return [job for job in jobs if job not in ended]

    def cancel(self, numbers: Collection[str], at_once: bool) -> None:
        """Ends jobs. Their runs may save; `at_once` kills those that SLURM was told to end before."""
        if numbers:
            signal = ["--signal=KILL"] if at_once else []
            subprocess.run(["scancel", *signal, *numbers], capture_output=True, check=False)
        self._look_soon()

    def forget(self, job: str) -> None:
        """Asks no more for a job."""
        self._entries.pop(job, None)

    def _look_soon(self) -> None:
        """Something has been done to the jobs: their states will change soon."""
        self._changed = time.monotonic()

    def has_result(self, file: Path) -> bool:
        """True if a job has finished and left this file."""
        if time.monotonic() - self._listed > SECONDS_BETWEEN_RESULTS:
            # NFS reads a folder again only if it has changed.
            with suppress(OSError):
                self._logs.chmod(self._logs.stat().st_mode)
            self._results = {path.name for path in self._logs.glob("*_result.pkl")}
            self._listed = time.monotonic()
        return file.name in self._results

    def entry(self, job: str) -> QueueEntry:
        """The entry of a watched job, as it was a moment ago."""
        if time.monotonic() - self._asked > self._seconds_between:
            self.ask()
        return self._entries[job]

    @property
    def _seconds_between(self) -> float:
        least, most = SECONDS_BETWEEN_QUERIES
        if any(entry.looks and not entry.ended for entry in self._entries.values()):
            return least
        return max(least, min(most, (time.monotonic() - self._changed) / 4))

    def ask(self) -> None:
        """Asks SLURM for all watched jobs. If it does not answer, their entries stay."""
        self._asked = time.monotonic()
        found = _squeue(self._entries)
        if found is None:
            return
        for job, before in self._entries.items():
            state, reason = found.get(job, (GONE, ""))
            looks = before.looks + 1 if state == GONE or state in ENDED else 0
            self._entries[job] = QueueEntry(state, reason, looks)


class SlurmJob:
    """A job of submitit's.

    Args:
        job: submitit's `SlurmJob`.
        queue: asks for it.
    """

    def __init__(self, job: Any, queue: SlurmQueue) -> None:
        self.job_id: str = job.job_id
        self._job, self._queue = job, queue

    @property
    def waits(self) -> str:
        """Why the job is not running yet, in SLURM's word; empty if it runs."""
        entry = self._queue.entry(self.job_id)
        return (entry.reason or entry.state) if entry.state in WAITING else ""

    @property
    def seems_ended(self) -> bool:
        """True if the job has ended, or SLURM is about to queue it again."""
        return self._finished or self._queue.entry(self.job_id).looks > 0

    def done(self) -> bool:
        """True if the job has ended."""
        return self._finished or self._queue.entry(self.job_id).ended

    def result(self) -> Any:
        """What the job has returned.

        Raises:
            SslToolboxError: if it has failed, or ended without a result.
        """
        entry = self._queue.entry(self.job_id)
        self._queue.forget(self.job_id)
        if self._finished:
            return self._job.result()
        how = "has left the queue" if entry.state == GONE else f"is {entry.state}"
        raise SslToolboxError(f"its job {self.job_id} {how}; its log is {self._job.paths.stderr}")

    @property
    def _finished(self) -> bool:
        return self._queue.has_result(self._job.paths.result_pickle)


def _squeue(jobs: Collection[str]) -> dict[str, tuple[str, str]] | None:
    """The states of those jobs that SLURM still knows, and why they wait; None if it does not answer."""
    if not jobs:
        return {}
    options = ["--noheader", "--array", "--states=all", "--format=%i|%T|%r"]
    try:
        asked = subprocess.run(
            ["squeue", *options, f"--jobs={','.join(jobs)}"],
            capture_output=True,
            text=True,
            timeout=SECONDS_TO_ANSWER,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if asked.returncode and _UNKNOWN_JOB not in asked.stderr:
        return None
    rows = [line.strip().split("|", 2) for line in asked.stdout.splitlines()]
    return {job: (state, reason) for job, state, reason in (row for row in rows if len(row) == 3)}
