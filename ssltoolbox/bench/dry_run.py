"""The runs that a benchmark would start, and the time that they would take."""

from __future__ import annotations

from collections import Counter

from rich.table import Table
from rich.text import Text

from ssltoolbox.bench.estimate import Estimates, in_words, resumed_from
from ssltoolbox.bench.folder import State
from ssltoolbox.bench.run import PlannedBench
from ssltoolbox.bench.words import job_text
from ssltoolbox.support.words import MISSING, counted, duration_text

_WORDS: dict[State, str] = {"finished": "cached", "begun": "resumes", "new": "new"}


def dry_run_table(planned: PlannedBench) -> Table:
    """A table with a row for each run: its state, its steps and its expected time."""
    estimates, folder = Estimates(planned.folder), planned.folder
    table = Table(title=planned.loaded.path.stem, title_justify="left")
    for name in ("run", "state"):
        table.add_column(name, overflow="fold")
    for name in ("steps", "time"):
        table.add_column(name, justify="right")
    for job in planned.jobs:
        state = folder.state(job)
        words = _WORDS[state]
        if state == "begun" and (step := resumed_from(folder.run(job))):
            words = f"resumes from about step {step}"
        seconds = estimates.of(job)
        time = (
            MISSING
            if state == "finished"
            else "unknown"
            if seconds is None
            else duration_text(round(seconds))
        )
        table.add_row(Text(job_text(job)), words, str(job.steps or MISSING), time)
    return table


def dry_run_words(planned: PlannedBench, side_by_side: int) -> str:
    """The number of runs in each state, and the time that the unfinished ones would take."""
    estimates = Estimates(planned.folder)
    states = Counter(planned.folder.state(job) for job in planned.jobs)
    left = [job for job in planned.jobs if planned.folder.state(job) != "finished"]
    counts = ", ".join(f"{states[state]} {state}" for state in _WORDS if states[state])
    times = [estimates.of(job) for job in left]
    lines = [f"{counted(len(planned.jobs), 'run')}: {counts}."]
    if left:
        lines.append(f"Time left: {in_words(times, side_by_side)}.")
    if None in times:
        lines.append(
            "The time of a recipe is known once a run of it with as many steps is finished in this folder; "
            "ssltoolbox check --measure times a few steps of a recipe."
        )
    return " ".join(lines)
