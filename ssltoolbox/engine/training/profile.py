"""Where the time of a run goes, stage by stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pytorch_lightning.profilers import SimpleProfiler
from rich.table import Table

STAGES: Mapping[str, str] = {
    "waiting for data": "train_dataloader_next",
    "describe (maskers)": "describe",
    "render (generators)": "render",
    "views": "views",
    "method, forward": "method",
    "backward": "backward",
}
PREPARING = ("describe", "render", "views")
BY_WORKERS = "The loader's workers describe, render and make the views."
STEP = "run_training_batch"
"""All of a step but the waiting."""


def stage_table(profiler: SimpleProfiler) -> Table:
    """Seconds, milliseconds a step, and shares of each stage that was done in this process.

    On a GPU work goes on after the call that asked for it: there a stage shows what it took to ask, and the
    method's time holds what came before it.
    """
    recorded = profiler.recorded_durations
    prepared_here = any(_is(action, STAGES["views"]) for action in recorded)
    table = Table(
        title="Where the time went",
        title_justify="left",
        caption=None if prepared_here else BY_WORKERS,
        caption_justify="left",
    )
    for column in ("stage", "seconds", "ms a step", "share"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    shown = {stage: name for stage, name in STAGES.items() if prepared_here or name not in PREPARING}
    seconds = {stage: _total(recorded, name) for stage, name in shown.items()}
    steps = max(1, len(recorded.get(STEP, ())))
    total = seconds["waiting for data"] + _total(recorded, STEP)
    seconds["optimiser and the rest"] = total - sum(seconds.values())
    for stage, spent in seconds.items():
        table.add_row(stage, f"{spent:.2f}", f"{1000 * spent / steps:.2f}", f"{spent / max(total, 1e-9):.0%}")
    return table


def _total(recorded: Mapping[str, Sequence[float]], name: str) -> float:
    """The seconds of an action, whichever part of Lightning its full name begins with."""
    return sum(sum(times) for action, times in recorded.items() if _is(action, name))


def _is(action: str, name: str) -> bool:
    return action.rsplit(".", 1)[-1] == name
