"""Jobs of submitit as processes of this machine, to try out what a cluster does."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


class LocalQueue:
    """Jobs as processes.

    Args:
        logs: submitit's folder.
    """

    cluster = "local"
    """submitit's name for it."""
    holds_all = False
    """The queue does not limit how many jobs run."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs

    @contextmanager
    def submitting(self) -> Iterator[None]:
        """The processes that start here ignore SIGINT: a Ctrl-C reaches all processes of a terminal, and would end
        submitit's before their runs have saved."""
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def job(self, submitted: Any) -> LocalJob:
        """A job that has just been submitted."""
        return LocalJob(submitted, self._logs)

    def left(self, numbers: Collection[str]) -> list[LocalJob]:
        """The jobs with these numbers whose processes have not ended."""
        import submitit

        jobs = [self.job(submitit.LocalJob(self._logs, number)) for number in numbers]
        return [job for job in jobs if not job.done()]

    def cancel(self, numbers: Collection[str], at_once: bool) -> None:
        """Asks the runs to save and end; `at_once` does so again."""
        for number in numbers:
            if _runs(number, self._logs):
                with suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGTERM)


class LocalJob:
    """A job, also one whose benchmark was killed: submitit itself has lost its process.

    Args:
        job: submitit's; its number is that of its process.
        logs: submitit's folder.
    """

    waits = ""

    def __init__(self, job: Any, logs: Path) -> None:
        self.job_id: str = job.job_id
        self._job, self._logs = job, logs

    def done(self) -> bool:
        """True if the process has ended."""
        return not _runs(self.job_id, self._logs)

    def result(self) -> Any:
        """What the job has returned; raises submitit's error where it has failed."""
        return self._job.result()


def _runs(process: str, logs: Path) -> bool:
    """True if the process runs a job of this folder; after its end, another process may have its number."""
    return str(logs) in _command_of(process)


def _command_of(process: str) -> str:
    """The command of a running process; empty where there is none."""
    file = Path("/proc") / process / "cmdline"
    if Path("/proc/self").exists():
        with suppress(OSError):
            return file.read_bytes().decode(errors="replace")
        return ""
    listed = ["ps", "-ww", "-o", "args=", "-p", process]
    return subprocess.run(listed, capture_output=True, text=True, check=False).stdout
