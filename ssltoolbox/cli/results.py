"""What was learned, as a table beside the random initialisation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

from ssltoolbox.report.results import claim, results_of

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.plan import Plan


def print_results(evaluation: Mapping[str, Any], plan: Plan, console: Console) -> None:
    """The table, what it says in one sentence, and what a reader must know of the data."""
    console.print(results_table(evaluation, plan.recipe.name))
    console.print(claim(plan.recipe.model_dump(mode="json"), results_of(evaluation)), highlight=False)
    if plan.facts and plan.facts.note:
        console.print(plan.facts.note, highlight=False)


def results_table(evaluation: Mapping[str, Any], name: str) -> Table:
    """A row for each measure of each task; the arrow says which way is better."""
    table = Table(title="What the features know", title_justify="left")
    table.add_column("task")
    table.add_column("measure")
    table.add_column(name, justify="right")
    table.add_column("random", justify="right")
    for result in results_of(evaluation):
        arrow = "↓" if result.lower_is_better else "↑"
        beside = "-" if result.random is None else f"{result.random:.3f}"
        table.add_row(result.label, f"{result.measure_label} {arrow}", f"{result.trained:.3f}", beside)
    return table
