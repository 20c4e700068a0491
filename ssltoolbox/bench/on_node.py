"""What the job of a cluster does on its node."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from ssltoolbox.bench.child import INTERRUPTED, Child
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.share import Share

SECONDS_BETWEEN_LOOKS = 0.2
TAKEN = 75
"""Exit code where another process has the run: a user has started it, or another benchmark."""


@dataclass
class OnNode:
    """Starts a run, or resumes it. submitit pickles it.

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
        if self.folder.in_use(self.job):
            return TAKEN
        if self.folder.state(self.job) == "finished":
            return 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._end)
        # The job has one process; a run on several GPUs starts the others itself, as on a machine without SLURM.
        self._child = Child(self.job, self.folder, Share(), self.command, hide="SLURM_")
        return _exit_code(self._child)

    def checkpoint(self) -> Any:
        """submitit calls it when the time is nearly up, or the job is preempted, and queues the job again."""
        from submitit.helpers import DelayedSubmission

        self._save()
        return DelayedSubmission(OnNode(self.job, self.folder, self.command))

    def _end(self, _: int, __: FrameType | None) -> None:
        """Without a result: SLURM sends SIGTERM also to a job that it queues again, and a result would end it."""
        sys.exit(self._save())

    def _save(self) -> int:
        if self._child is None:
            return INTERRUPTED
        self._child.stop()
        return _exit_code(self._child)


def _exit_code(child: Child) -> int:
    """Waits for the end of a run."""
    while not child.ended():
        time.sleep(SECONDS_BETWEEN_LOOKS)
    assert child.exit_code is not None
    return child.exit_code
