"""The runs of a benchmark with their commands, for a launcher of the user's own."""

from __future__ import annotations

import shlex
from typing import Any

from ssltoolbox.bench.child import command_of
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.run import PlannedBench


def command_lines(planned: PlannedBench) -> list[str]:
    """The command of each run, for a POSIX shell, in the order of the grid."""
    return [shlex.join(command_of(job, planned.folder)) for job in planned.jobs]


def as_data(planned: PlannedBench) -> list[dict[str, Any]]:
    """Each run as plain data."""
    return [_as_data(job, planned.folder) for job in planned.jobs]


def write_recipes(planned: PlannedBench) -> None:
    """Writes the recipes that the commands name.

    Raises:
        UserError: when the folder can't be written to.
    """
    planned.folder.make()
    for job in planned.jobs:
        planned.folder.write_recipe(job)


def _as_data(job: Job, folder: BenchFolder) -> dict[str, Any]:
    return {
        "recipe": job.recipe,
        "seed": job.seed,
        "point": dict(job.point),
        "key": job.key,
        "steps": job.steps,
        "state": folder.state(job),
        "command": command_of(job, folder),
        "folder": str(folder.run(job)),
    }
