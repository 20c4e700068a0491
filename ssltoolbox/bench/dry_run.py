"""What a benchmark would run, and how long that would take."""

from __future__ import annotations

from collections import Counter

from rich.table import Table
from rich.text import Text

from ssltoolbox.bench.estimate import Estimates, in_words, resumed_from
from ssltoolbox.bench.folder import State
from ssltoolbox.bench.run import PlannedBench
from ssltoolbox.bench.words import job_text
from ssltoolbox.support.words import MISSING, duration_text

_WORDS: dict[State, str] = {"finished": "cached", "begun": "goes on", "new": "new"}


def dry_run_table(planned: PlannedBench) -> Table:
    """A row for each run, with what is there of it already."""
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
            words = f"goes on from about step {step}"
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
    """How many runs there are, and how long those would take that are not done."""
    estimates = Estimates(planned.folder)
    states = Counter(planned.folder.state(job) for job in planned.jobs)
    left = [job for job in planned.jobs if planned.folder.state(job) != "finished"]
    counts = ", ".join(f"{states[state]} {state}" for state in _WORDS if states[state])
    times = [estimates.of(job) for job in left]
    lines = [f"{len(planned.jobs)} run{'s' * (len(planned.jobs) != 1)}: {counts}."]
    if left:
        lines.append(f"Time left: {in_words(times, side_by_side)}.")
    if None in times:
        lines.append(
            "A time is known once a run of that recipe and length is finished in the folder; check --measure "
            "times a few steps of a recipe."
        )
    return " ".join(lines)
