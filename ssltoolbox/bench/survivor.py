"""A job of submitit on this machine whose benchmark was killed. submitit itself has lost its process."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any


class Survivor:
    """Such a job, with the methods of submitit's that a benchmark uses.

    Args:
        job: submitit's; the number of its process is its name.
        logs: submitit's folder, which the command of the process names.
    """

    def __init__(self, job: Any, logs: Path) -> None:
        self.job_id: str = job.job_id
        self._job, self._logs = job, logs

    def done(self) -> bool:
        """True if the process has ended; another one may have its number then."""
        return str(self._logs) not in _command_of(self.job_id)

    def result(self) -> Any:
        """What the job has returned; raises submitit's error where it has failed."""
        return self._job.result()

    def cancel(self, check: bool = True) -> None:
        """Interrupts the process."""
        if not self.done():
            with suppress(ProcessLookupError):
                os.kill(int(self.job_id), signal.SIGINT)


def _command_of(process: str) -> str:
    """The command of a running process; empty where there is none."""
    file = Path("/proc") / process / "cmdline"
    if Path("/proc/self").exists():
        with suppress(OSError):
            return file.read_bytes().decode(errors="replace")
        return ""
    listed = ["ps", "-ww", "-o", "args=", "-p", process]
    return subprocess.run(listed, capture_output=True, text=True, check=False).stdout
