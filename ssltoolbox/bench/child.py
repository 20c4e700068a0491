"""The process of one run of a benchmark."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Protocol

from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.share import Share

INTERRUPTED = 130
"""Exit code of a run that was stopped, and goes on with the next benchmark."""
_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


def command_of(job: Job, folder: BenchFolder) -> list[str]:
    """The command that starts or resumes the run; it does nothing for a complete run."""
    recipe, run = str(folder.recipe(job)), str(folder.run(job))
    return [sys.executable, "-m", "ssltoolbox", "train", recipe, "--out", run, "--resume"]


def reason_of(job: Job, folder: BenchFolder, exit_code: int | None) -> str:
    """Why a run failed, in one line: the signal that ended it, or the last line of its output."""
    if exit_code is not None and exit_code < 0:
        return f"ended by {signal.Signals(-exit_code).name}"
    output = folder.output(job)
    text = output.read_text(encoding="utf-8", errors="replace") if output.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else f"exit code {exit_code}"


class Running(Protocol):
    """A run that was started: by a process of this machine, or by a job of a cluster. `Child` has the meanings.

    Attributes:
        waits: why the run's job waits in the queue of a cluster; empty if it does not.
    """

    job: Job
    resumed: bool
    exit_code: int | None

    @property
    def waits(self) -> str: ...

    @property
    def seconds(self) -> float: ...

    def ended(self) -> bool: ...

    def reason(self) -> str: ...


class Child:
    """Starts a run, or resumes it.

    Args:
        job: the run.
        folder: the benchmark's folder; a file there gets the output of the process.
        share: the share of the machine that the run may use.
        command: starts the run; that of `command_of` if not given.
        hide: environment variables whose names begin so are kept from the run.

    Attributes:
        resumed: whether an earlier process began the run.
        exit_code: exit code of the process, negative for a signal; None while it runs.
    """

    def __init__(
        self,
        job: Job,
        folder: BenchFolder,
        share: Share,
        command: Sequence[str] | None = None,
        hide: str | None = None,
    ) -> None:
        self.job = job
        self.share = share
        self.resumed = folder.run(job).exists()
        self.exit_code: int | None = None
        self.waits = ""
        self._folder = folder
        self._began = time.monotonic()
        folder.begin(job)
        kept = {name: value for name, value in os.environ.items() if not (hide and name.startswith(hide))}
        with folder.output(job).open("ab") as output:
            self._process = subprocess.Popen(
                command or command_of(job, folder),
                # Python imports from the working folder first, and the user's folder may hold another toolbox.
                cwd=folder.path,
                # Unbuffered, so that the last line of the output is the reason of a failure.
                env=kept | dict(share.environment) | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                # Ctrl-C in the terminal must reach the benchmark alone, which then signals each run once.
                start_new_session=True,
            )
        share.restrict(self._process.pid)

    @property
    def seconds(self) -> float:
        """Seconds since the process started."""
        return time.monotonic() - self._began

    def ended(self) -> bool:
        """True if the process has ended. The first such call records its exit code, time and memory."""
        if self.exit_code is None:
            pid, status, usage = os.wait4(self._process.pid, os.WNOHANG)
            if not pid:
                return False
            self.exit_code = self._process.returncode = os.waitstatus_to_exitcode(status)
            self._folder.end(self.job, self.seconds, self.exit_code, usage.ru_maxrss * _RSS_UNIT)
        return True

    def stop(self) -> None:
        """Asks the run to save and stop."""
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the run and the processes that it started."""
        self._signal(signal.SIGKILL)

    def reason(self) -> str:
        """Why the run failed, in one line."""
        return reason_of(self.job, self._folder, self.exit_code)

    def _signal(self, number: int) -> None:
        if self.exit_code is not None:
            return
        if number == signal.SIGKILL:
            os.killpg(self._process.pid, number)
        else:
            os.kill(self._process.pid, number)
