"""Runs as jobs of a cluster, submitted by submitit."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.bench import child as child_module
from ssltoolbox.bench.child import Child, reason_of
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.share import Share
from ssltoolbox.bench.survivor import Survivor
from ssltoolbox.support.files import write_json

if TYPE_CHECKING:
    from ssltoolbox.bench.grid import Requests

ENGINES = {"slurm": "slurm", "processes": "local"}
"""Names of engines → submitit's names. `processes` are jobs of submitit on this machine, to try it."""
SECONDS_BETWEEN_LOOKS = 0.2
MOST_TIMEOUTS = 1000
"""How often a job may run out of time and be queued again."""


class Submitter:
    """Submits runs to a cluster.

    Args:
        engine: one of `ENGINES`.
        folder: the benchmark's folder, which all machines see.
        requests: what each job asks for.

    Raises:
        UserError: if submitit is not installed, or there is no such cluster here.
    """

    def __init__(self, engine: str, folder: BenchFolder, requests: Requests) -> None:
        try:
            import submitit
        except ImportError as error:
            raise UserError(
                f"--engine {engine} needs submitit, which is not installed",
                "pip install 'ssltoolbox[cluster]'",
            ) from error
        self.engine = engine
        self._folder = folder
        self._logs = folder.path / "jobs" / "submitit"
        self._submitit = submitit
        cluster = ENGINES[engine]
        limits = {"slurm_max_num_timeout": MOST_TIMEOUTS} if cluster == "slurm" else {}
        try:
            self._executor = submitit.AutoExecutor(self._logs, cluster=cluster, **limits)
            self._executor.update_parameters(**_parameters(requests, slurm=cluster == "slurm"))
        except RuntimeError as error:
            raise UserError(
                f"there is no {engine} here: {first_line(error)}", "run bench where sbatch is"
            ) from error

    def __call__(self, job: Job, share: Share) -> Submitted:
        """Submits a run; or takes the job that an earlier benchmark submitted, if it has not ended."""
        earlier = self._earlier(job)
        if earlier is None:
            command = child_module.command_of(job, self._folder)
            earlier = self._executor.submit(OnNode(job, self._folder, tuple(command)))
            write_json(self._folder.submission(job), {"engine": self.engine, "job": earlier.job_id})
        return Submitted(job, self._folder, share, earlier)

    def _earlier(self, job: Job) -> Any:
        path = self._folder.submission(job)
        if not path.exists():
            return None
        written = json.loads(path.read_text(encoding="utf-8"))
        if written["engine"] != self.engine:
            return None
        if self.engine == "processes":
            survivor = Survivor(self._submitit.LocalJob(self._logs, written["job"]), self._logs)
            return None if survivor.done() else survivor
        earlier: Any = self._submitit.SlurmJob(self._logs, written["job"])
        return None if earlier.done(force_check=True) else earlier


def _parameters(requests: Requests, slurm: bool) -> dict[str, Any]:
    """The requests by submitit's names."""
    found: dict[str, Any] = {
        "name": "ssltoolbox",
        "timeout_min": requests.minutes,
        "gpus_per_node": requests.gpus,
        "cpus_per_task": requests.cpus,
        "mem_gb": requests.memory_gb,
        "slurm_partition": requests.partition,
        "slurm_additional_parameters": dict(requests.slurm) or None,
        "slurm_signal_delay_s": requests.seconds_to_save,
    }
    return {
        name: value
        for name, value in found.items()
        if value is not None and (slurm or not name.startswith("slurm_"))
    }


@dataclass
class OnNode:
    """What a job does: it starts the run, or resumes it. submitit pickles it.

    Attributes:
        job: the run.
        folder: the benchmark's folder.
        command: starts the run.
    """

    job: Job
    folder: BenchFolder
    command: Sequence[str]
    _child: Child | None = field(default=None, init=False)

    def __call__(self) -> int:
        """The exit code of the run."""
        # The job has one process; a run on several GPUs starts the others itself, as on a machine without SLURM.
        child = self._child = Child(self.job, self.folder, Share(), self.command, hide="SLURM_")
        signal.signal(signal.SIGTERM, lambda *_: child.stop())
        return _exit_code(child)

    def checkpoint(self) -> Any:
        """submitit calls it when the time is nearly up, or the job is preempted, and queues the job again."""
        from submitit.helpers import DelayedSubmission

        if self._child:
            self._child.stop()
            _exit_code(self._child)
        return DelayedSubmission(OnNode(self.job, self.folder, self.command))


def _exit_code(child: Child) -> int:
    """Waits for the end of a run."""
    while not child.ended():
        time.sleep(SECONDS_BETWEEN_LOOKS)
    assert child.exit_code is not None
    return child.exit_code


class Submitted:
    """A run whose job was submitted. See `ssltoolbox.bench.child.Running`."""

    def __init__(self, job: Job, folder: BenchFolder, share: Share, submitted: Any) -> None:
        self.job = job
        self.share = share
        self.resumed = folder.run(job).exists()
        self.exit_code: int | None = None
        self._folder = folder
        self._submitted = submitted
        self._began = time.monotonic()
        self._reason = ""

    @property
    def seconds(self) -> float:
        """Seconds since this benchmark submitted or found the job, the time in the queue included."""
        return time.monotonic() - self._began

    def ended(self) -> bool:
        """True if the job has ended."""
        if self.exit_code is None and self._submitted.done():
            try:
                self.exit_code = int(self._submitted.result())
            except Exception as error:  # an error of the job, whatever it is
                self.exit_code, self._reason = (
                    1,
                    f"its job {self._submitted.job_id} ended: {first_line(error)}",
                )
            self._folder.submission(self.job).unlink(missing_ok=True)
        return self.exit_code is not None

    def stop(self) -> None:
        """Ends the job; SLURM lets the run save before."""
        self._submitted.cancel(check=False)

    def kill(self) -> None:
        """Ends the job."""
        self._submitted.cancel(check=False)

    def reason(self) -> str:
        """Why the run failed, in one line."""
        return self._reason or reason_of(self.job, self._folder, self.exit_code)
