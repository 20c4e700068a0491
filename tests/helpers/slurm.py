"""Commands in place of SLURM's: they remember what they were asked for, and start nothing."""

from __future__ import annotations

import os
from pathlib import Path

import cloudpickle  # type: ignore[import-untyped]
import pytest

SBATCH = """#!/bin/bash
script=${@: -1}
tasks=$(sed -n 's/^#SBATCH --array=0-\\([0-9]*\\).*/\\1/p' "$script")
if [ "${tasks:-0}" -ge "$(cat most)" ]; then
    echo 'sbatch: error: Batch job submission failed: too many' >&2
    exit 1
fi
cp "$script" "script$(ls script* 2>/dev/null | wc -l)"
echo "Submitted batch job $(ls script* | wc -l)"
"""
SQUEUE = """#!/bin/bash
echo "$@" >> queries
[ -f queue ] && cat queue
"""
SCANCEL = """#!/bin/bash
echo "$@" >> cancelled
"""


class FakeSlurm:
    """SLURM as `bench` sees it, in a folder of its own. Its jobs are numbered from 1.

    Args:
        folder: gets the commands and what they remember.
        patch: puts the commands first in the path.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder = folder
        folder.mkdir()
        self.takes_arrays_of(1000)
        for name, text in {"sbatch": SBATCH, "squeue": SQUEUE, "scancel": SCANCEL, "srun": ""}.items():
            (folder / name).write_text(text.replace("#!/bin/bash\n", f"#!/bin/bash\ncd '{folder}'\n"))
            (folder / name).chmod(0o755)
        patch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))

    def takes_arrays_of(self, most: int) -> None:
        """Larger arrays are refused; 0 refuses every job."""
        (self._folder / "most").write_text(str(most))

    def shows(self, **jobs: str) -> None:
        """What squeue shows: `_1_0="RUNNING"`, `_2="PENDING Priority"`."""
        rows = []
        for name, words in jobs.items():
            state, _, reason = words.partition(" ")
            rows.append(f"{name[1:]}|{state}|{reason or 'None'}\n")
        (self._folder / "queue").write_text("".join(rows))

    def does_not_answer(self) -> None:
        """squeue fails."""
        (self._folder / "squeue").write_text("#!/bin/bash\nexit 1\n")

    @property
    def scripts(self) -> list[str]:
        """The scripts of the submitted jobs."""
        return [path.read_text() for path in sorted(self._folder.glob("script*"))]

    @property
    def cancelled(self) -> list[str]:
        """The arguments of each scancel."""
        path = self._folder / "cancelled"
        return path.read_text().splitlines() if path.exists() else []


def leave_result(logs: Path, job: str, result: object) -> None:
    """What a job of submitit leaves: `("success", exit code)` or `("error", traceback)`."""
    (logs / f"{job}_0_result.pkl").write_bytes(cloudpickle.dumps(result))
