"""The results of a run as a table, and its claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from ssltoolbox.report.results import Result, claim, measured_on, notes_on, results_of, trained_for
from ssltoolbox.support.terminal import NARROW

LONGEST_HEADING = 12
"""Characters of a name that heads a column."""

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.plan import Plan


def print_results(evaluation: Mapping[str, Any], plan: Plan, console: Console) -> None:
    """The table, the claim, and notes on the metrics and the data."""
    table = results_list if console.width < NARROW else results_table
    console.print(table(evaluation, plan.recipe.name))
    for line in _lines(evaluation, plan):
        console.print(line, highlight=False, markup=False)


def results_list(evaluation: Mapping[str, Any], name: str) -> Text:
    """Three lines for each metric of each result, for a terminal that is too narrow for `results_table`."""
    text = Text(f"Results of {name}\n", style="italic")
    for result in results_of(evaluation):
        number, untrained, difference = _numbers(result)
        style = "bold" if result.verdict == "better" else "not italic"
        text.append(f"{result.label}: {_metric(result)}\n", style="not italic")
        text.append(f"  {number}, untrained {untrained}\n", style=f"not italic {style}")
        text.append(f"  difference {difference}\n", style="not italic")
    return text


def results_table(evaluation: Mapping[str, Any], name: str) -> Table:
    """A row for each metric of each result; the arrow says which way is better than an untrained network.

    Args:
        evaluation: as in evaluation.json.
        name: of the run.
    """
    table = Table(title="Results", title_justify="left")
    for head in ("task", "metric"):
        table.add_column(head, overflow="fold")
    heading = name if len(name) <= LONGEST_HEADING else "this run"
    for head in (heading, "untrained", "difference"):
        table.add_column(head, justify="right", overflow="fold")
    for result in results_of(evaluation):
        cells = (result.label, _metric(result), *_numbers(result))
        table.add_row(*map(Text, cells), style="bold" if result.verdict == "better" else None)
    return table


def _metric(result: Result) -> str:
    return f"{result.metric_label} {result.arrow}".rstrip()


def _numbers(result: Result) -> tuple[str, str, str]:
    return (
        result.text(result.trained),
        result.text(result.random),
        result.difference_text,
    )


def _lines(evaluation: Mapping[str, Any], plan: Plan) -> Iterator[str]:
    yield claim(trained_for(plan.recipe.model_dump(mode="json"), plan.trains), results_of(evaluation))
    yield from notes_on(evaluation)
    if plan.facts and plan.facts.note and measured_on(evaluation, plan.recipe.data.name):
        yield plan.facts.note
