"""Runs as jobs of a cluster, submitted by submitit."""

from __future__ import annotations

import io
import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import TYPE_CHECKING, Any

import filelock

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.bench import child as child_module
from ssltoolbox.bench.child import reason_of
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.local_queue import LocalJob, LocalQueue
from ssltoolbox.bench.on_node import OnNode
from ssltoolbox.bench.slurm_queue import SlurmJob, SlurmQueue
from ssltoolbox.support.files import write_json

if TYPE_CHECKING:
    from ssltoolbox.bench.grid import Requests

MOST_TIMEOUTS = 1000
"""How often a job may run out of time and be queued again."""
MOST_TASKS = 1000
"""The most tasks of a job array; SLURM's own limit is 1001 if a cluster sets no other."""
_LINE = "-" * 22
"""Above and below a traceback in a message of submitit."""
_UNSUBMITTED = re.compile(r"[0-9a-f]{32}\.pkl|\.submission_file_[0-9a-f]{32}\.sh")
SECONDS_BEFORE_NEXT_TRY = 60.0
"""After SLURM has refused to queue more jobs."""


ENGINES: Mapping[str, type[SlurmQueue | LocalQueue]] = {"slurm": SlurmQueue, "processes": LocalQueue}
"""Names of engines → their queues. `processes` are jobs of submitit on this machine, to try it."""


class Submitter:
    """Submits runs to a cluster: the runs that can start together are one job array.

    Args:
        engine: one of `ENGINES`.
        folder: the benchmark's folder, which all machines see.
        requests: what each job asks for.
        side_by_side: the number of runs at a time. SLURM sees to it: all are queued.

    Raises:
        UserError: if submitit is not installed, or there is no such cluster here.
    """

    def __init__(self, engine: str, folder: BenchFolder, requests: Requests, side_by_side: int) -> None:
        try:
            import submitit
        except ImportError as error:
            raise UserError(
                f"--engine {engine} needs submitit, which is not installed",
                "pip install 'ssltoolbox[cluster]'",
            ) from error
        self._engine = engine
        self._folder = folder
        self._side_by_side = side_by_side
        self._logs = folder.path / "jobs" / "submitit"
        self._refused_by: type[Exception] = submitit.core.utils.FailedJobError
        self._refusal: UserError | None = None
        self._next_try = 0.0
        self._queue = ENGINES[engine](self._logs)
        self._numbers: dict[Job, str] = {}
        try:
            self._executor = submitit.AutoExecutor(
                self._logs, cluster=self._queue.cluster, slurm_max_num_timeout=MOST_TIMEOUTS
            )
            self._executor.update_parameters(**_parameters(requests, side_by_side))
        except RuntimeError as error:
            raise UserError(f"there is no {engine} here: {first_line(error)}") from error

    def room(self, busy: int) -> int:
        """All runs are queued together, because an array job has its own limit of tasks at a time.

        Raises:
            UserError: if SLURM has refused a job, and no other is there to wait for.
        """
        if busy:
            return max(0, self._side_by_side - busy) if time.monotonic() >= self._next_try else 0
        if self._refusal:
            raise self._refusal
        return MOST_TASKS if self._queue.holds_all else self._side_by_side

    def find(self, jobs: Sequence[Job]) -> list[Submitted]:
        """The runs whose jobs have not ended."""
        by_number = {number: job for job in jobs if (number := self._number_of(job))}
        return [self._run(by_number[job.job_id], job) for job in self._queue.left(by_number)]

    def start(self, jobs: Sequence[Job]) -> list[Submitted]:
        """Submits runs, as many as SLURM takes.

        The jobs that another benchmark has submitted meanwhile are taken instead, if they have not ended.
        """
        found = self.find(jobs)
        found_jobs = {run.job for run in found}
        return [*found, *self._submit([job for job in jobs if job not in found_jobs])]

    def stop(self, jobs: Sequence[Job], at_once: bool) -> None:
        """Ends the jobs of these runs; the runs may save before."""
        self._queue.cancel([self._numbers[job] for job in jobs], at_once)

    def _submit(self, jobs: Sequence[Job]) -> list[Submitted]:
        """Submits runs as one array, or half of them where SLURM refuses so many."""
        if not jobs:
            return []
        tasks = [OnNode(job, self._folder, tuple(child_module.command_of(job, self._folder))) for job in jobs]
        try:
            # submitit prints what sbatch says.
            with (
                self._tidied(),
                redirect_stderr(io.StringIO()),
                self._queue.submitting(),
                self._executor.batch(),
            ):
                submitted = [self._executor.submit(task) for task in tasks]
        except self._refused_by as error:
            said = first_line(error).removeprefix("sbatch: error: ")
            self._refusal = UserError(f"SLURM has refused a job: {said}", "correct 'cluster' in the grid")
            self._next_try = time.monotonic() + SECONDS_BEFORE_NEXT_TRY
            return self._submit(jobs[: len(jobs) // 2])
        self._refusal = None
        for job, its in zip(jobs, submitted, strict=True):
            write_json(self._folder.submission(job), {"engine": self._engine, "job": its.job_id})
        return [self._run(job, self._queue.job(its)) for job, its in zip(jobs, submitted, strict=True)]

    def _run(self, job: Job, submitted: SlurmJob | LocalJob) -> Submitted:
        self._numbers[job] = submitted.job_id
        return Submitted(job, self._folder, submitted)

    def _number_of(self, job: Job) -> str:
        """The number of the job of this engine that does a run; empty if none was submitted, or it has ended."""
        try:
            written = json.loads(self._folder.submission(job).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return ""
        return str(written["job"]) if written["engine"] == self._engine else ""

    @contextmanager
    def _tidied(self) -> Iterator[None]:
        """Removes what submitit leaves where SLURM refuses jobs."""
        self._logs.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(self._logs / ".lock"):
            before = set(self._logs.iterdir())
            try:
                yield
            except self._refused_by:
                for path in set(self._logs.iterdir()) - before:
                    if _UNSUBMITTED.fullmatch(path.name):
                        path.unlink()
                raise


def _parameters(requests: Requests, side_by_side: int) -> dict[str, Any]:
    """The requests by submitit's names. It drops those of None, and SLURM's on this machine."""
    return {
        "name": "ssltoolbox",
        "timeout_min": requests.minutes,
        "gpus_per_node": requests.gpus,
        "cpus_per_task": requests.cpus,
        "mem_gb": requests.memory_gb,
        "slurm_partition": requests.partition,
        "slurm_additional_parameters": dict(requests.slurm) or None,
        "slurm_signal_delay_s": requests.seconds_to_save,
        "slurm_array_parallelism": side_by_side,
    }


class Submitted:
    """A run whose job was submitted. See `ssltoolbox.bench.child.Running`."""

    def __init__(self, job: Job, folder: BenchFolder, submitted: SlurmJob | LocalJob) -> None:
        self.job = job
        self.job_id = submitted.job_id
        self.resumed = folder.run(job).exists()
        self.exit_code: int | None = None
        self._folder = folder
        self._submitted = submitted
        self._began: float | None = None
        self._reason = ""

    @property
    def waits(self) -> str:
        """Why the job is not running yet."""
        return self._submitted.waits

    @property
    def seconds(self) -> float:
        """Seconds since this benchmark first saw that the job was running; 0 while it is queued."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def ended(self) -> bool:
        """True if the job has ended."""
        if self.exit_code is None:
            self._began = None if self.waits else (self._began or time.monotonic())
        if self.exit_code is None and self._submitted.done():
            try:
                self.exit_code = int(self._submitted.result())
            except Exception as error:  # an error of the job, whatever it is
                self.exit_code, self._reason = 1, _reason_of(error, self.job_id)
            self._folder.submission(self.job).unlink(missing_ok=True)
        return self.exit_code is not None

    def reason(self) -> str:
        """Why the run failed, in one line."""
        return self._reason or reason_of(self.job, self._folder, self.exit_code)


def _reason_of(error: Exception, job_id: str) -> str:
    """What submitit or SLURM says of a job that has failed: the last line of its traceback, if there is one."""
    if isinstance(error, SslToolboxError):
        return first_line(error)
    parts = str(error).split(_LINE)
    trace = [line.strip() for line in parts[1].splitlines() if line.strip()] if len(parts) > 1 else []
    return f"its job {job_id} failed: {trace[-1] if trace else first_line(error)}"
