"""What a few steps of a recipe cost, as a table that a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.table import Table

from ssltoolbox.cli.words import bytes_text, duration_text

if TYPE_CHECKING:
    from ssltoolbox.engine.training.measure import Cost


def cost_table(cost: Cost, steps: int) -> Table:
    """What was measured, and what a run of so many steps would take at that pace."""
    table = Table(
        title=f"measured here, on {cost.device}",
        title_justify="left",
        title_style="bold",
        show_header=False,
        box=None,
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in _rows(cost, steps):
        table.add_row(name, text)
    return table


def _rows(cost: Cost, steps: int) -> Iterator[tuple[str, str]]:
    yield (
        "parameters",
        f"backbone {cost.backbone:,}; {cost.learning:,} learn, of {cost.parameters:,} in all",
    )
    share = "" if cost.devices == 1 else f", with 1/{cost.devices} of the batch"
    yield (
        "time",
        f"{duration_text(cost.seconds)} a step, {cost.images / cost.seconds:,.0f} images/s{share}; "
        f"the mean of {cost.steps} steps",
    )
    holder = "this process" if cost.device == "cpu" else "the GPU"
    yield "peak memory", f"{bytes_text(cost.memory)} of {holder}"
    yield "the run", f"about {duration_text(cost.seconds * steps)} at that pace, evaluation apart"
