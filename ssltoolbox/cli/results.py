"""The results of a run as a table, and its claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ssltoolbox.report.results import Result, claim, notes_on, results_of, trained_for

NARROW = 60
"""Columns of a terminal, in fewer of which the frame of a table would cut its numbers."""

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.plan import Plan


def print_results(evaluation: Mapping[str, Any], plan: Plan, console: Console) -> None:
    """The table, the claim, and notes on the metrics and the data."""
    console.print(results_table(evaluation, plan.recipe.name, narrow=console.width < NARROW))
    for line in _lines(evaluation, plan):
        console.print(line, highlight=False, markup=False)


def results_table(evaluation: Mapping[str, Any], name: str, narrow: bool = False) -> Table:
    """A row for each metric of each result; the arrow says which way is better than an untrained network.

    Args:
        evaluation: as in evaluation.json.
        name: of the run.
        narrow: leave out the frame, and put task and metric in one column.
    """
    table = Table(title="Results", title_justify="left")
    if narrow:
        table.box, table.padding = None, (0, 1, 0, 0)
    for head in ("task",) if narrow else ("task", "metric"):
        table.add_column(head, overflow="fold")
    for head in (name, "untrained", "difference"):
        table.add_column(head, justify="right", overflow="fold")
    for result in results_of(evaluation):
        names = (result.label, f"{result.metric_label} {result.arrow}".rstrip())
        cells = ((" ".join(names),) if narrow else names) + _numbers(result)
        table.add_row(*map(Text, cells), style="bold" if result.verdict == "better" else None)
    return table


def _numbers(result: Result) -> tuple[str, str, str]:
    return (
        result.text(result.trained),
        result.text(result.random),
        result.difference_text,
    )


def _lines(evaluation: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    yield claim(trained_for(plan.recipe.model_dump(mode="json"), plan.trains), results_of(evaluation))
    yield from notes_on(evaluation)
    if plan.facts and plan.facts.note:
        yield plan.facts.note
