"""SLURM's jobs, asked by one command for all of them."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ssltoolbox.api import SslToolboxError

SECONDS_BETWEEN_RESULTS = 2.0
"""Between two looks at the files with the results of jobs."""
SECONDS_BETWEEN_QUERIES = (2.0, 30.0)
"""The fewest and the most seconds between two queries; there are fewer while no jobs are submitted or ended."""
SECONDS_TO_ANSWER = 60.0
LOOKS_TO_END = 2
"""SLURM shows a job that it queues again as ended for a moment."""
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
class Place:
    """A job in the queue.

    Attributes:
        state: SLURM's word, such as `PENDING`, or `GONE`.
        reason: why a job waits, in SLURM's word, such as `Priority`.
        looks: in how many queries, one after the other, the job had ended.
    """

    state: str = "PENDING"
    reason: str = ""
    looks: int = 0


class SlurmQueue:
    """The states of jobs.

    `squeue` answers on every cluster; `sacct`, which submitit asks, only where SLURM keeps accounts.

    Args:
        logs: submitit's folder, where a job that has finished leaves a file with its result.
    """

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._places: dict[str, Place] = {}
        self._results: set[str] = set()
        self._changed = self._asked = self._listed = float("-inf")

    def watch(self, job: str) -> None:
        """Also asks for this job from now on."""
        self._places[job] = Place()
        self.look_soon()

    def forget(self, job: str) -> None:
        """Asks no more for a job."""
        self._places.pop(job, None)

    def look_soon(self) -> None:
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

    def place(self, job: str) -> Place:
        """The place of a watched job, as it was a moment ago."""
        if time.monotonic() - self._asked > self._seconds_between:
            self.ask()
        return self._places[job]

    @property
    def _seconds_between(self) -> float:
        least, most = SECONDS_BETWEEN_QUERIES
        if any(0 < place.looks < LOOKS_TO_END for place in self._places.values()):
            return least
        return max(least, min(most, (time.monotonic() - self._changed) / 4))

    def ask(self) -> None:
        """Asks SLURM for all watched jobs. If it does not answer, their places stay."""
        self._asked = time.monotonic()
        found = _squeue(self._places)
        if found is None:
            return
        for job, before in self._places.items():
            state, reason = found.get(job, (GONE, ""))
            looks = before.looks + 1 if state == GONE or state in ENDED else 0
            self._places[job] = Place(state, reason, looks)


class SlurmJob:
    """A job of submitit's.

    Args:
        job: submitit's `SlurmJob`.
        queue: asks for it.
    """

    def __init__(self, job: Any, queue: SlurmQueue) -> None:
        self.job_id: str = job.job_id
        self._job, self._queue = job, queue
        queue.watch(self.job_id)

    @property
    def waits(self) -> str:
        """Why the job is not running yet, in SLURM's word; empty if it runs."""
        place = self._queue.place(self.job_id)
        return (place.reason or place.state) if place.state in WAITING else ""

    @property
    def seems_ended(self) -> bool:
        """True if the job has ended, or SLURM is about to queue it again."""
        return self._finished or self._queue.place(self.job_id).looks > 0

    def done(self) -> bool:
        """True if the job has ended."""
        return self._finished or self._queue.place(self.job_id).looks >= LOOKS_TO_END

    def result(self) -> Any:
        """What the job has returned.

        Raises:
            SslToolboxError: if it has failed, or ended without a result.
        """
        place = self._queue.place(self.job_id)
        self._queue.forget(self.job_id)
        if self._finished:
            return self._job.result()
        how = "has left the queue" if place.state == GONE else f"is {place.state}"
        raise SslToolboxError(f"its job {self.job_id} {how}; its log is {self._job.paths.stderr}")

    @property
    def _finished(self) -> bool:
        return self._queue.has_result(self._job.paths.result_pickle)


def cancel(jobs: Collection[str], at_once: bool) -> None:
    """Ends jobs. Their runs may save; `at_once` kills those that SLURM was told to end before."""
    if jobs:
        subprocess.run(
            ["scancel", *(["--signal=KILL"] if at_once else []), *jobs], capture_output=True, check=False
        )


def slurm_is_here() -> bool:
    """True if SLURM's commands are installed."""
    return all(map(shutil.which, ("sbatch", "squeue", "scancel")))


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
