"""What was learned, as a table beside the random initialisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.table import Table

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.plan import Plan

MEASURES = {
    "f1": "macro-F1",
    "accuracy": "accuracy",
    "ccc": "CCC",
    "rmse": "RMSE",
}
LOWER_IS_BETTER = {("identity", "accuracy"), ("valence", "rmse"), ("arousal", "rmse")}


def print_results(results: Mapping[str, Any], plan: Plan, console: Console) -> None:
    """The table, what it says in one sentence, and what a reader must know of the data."""
    console.print(results_table(results, plan.recipe.name))
    if sentence := learned(results):
        console.print(sentence, highlight=False)
    if plan.facts and plan.facts.note:
        console.print(plan.facts.note, highlight=False)


def learned(results: Mapping[str, Any]) -> str:
    """The first task's first measure, beside the random initialisation's.

    >>> learned({"expression": {"f1": 0.5}, "random": {"expression": {"f1": 0.125}}})
    'Learned: expression macro-F1 0.500, where a random initialisation of the same network has 0.125.'
    """
    for task, measure, value in _measures(results):
        beside = results.get("random", {}).get(task, {}).get(measure)
        if beside is not None:
            return (
                f"Learned: {task} {MEASURES[measure]} {value:.3f}, "
                f"where a random initialisation of the same network has {beside:.3f}."
            )
    return ""


def results_table(results: Mapping[str, Any], name: str) -> Table:
    """A row for each measure of each task; the arrow says which way is better."""
    table = Table(title="What the frozen features know", title_justify="left")
    table.add_column("task")
    table.add_column("measure")
    table.add_column(name, justify="right")
    table.add_column("random", justify="right")
    random = results.get("random", {})
    for task, measure, value in _measures(results):
        arrow = "↓" if (task, measure) in LOWER_IS_BETTER else "↑"
        beside = random.get(task, {}).get(measure)
        table.add_row(
            "identity left" if task == "identity" else task,
            f"{MEASURES[measure]} {arrow}",
            f"{value:.3f}",
            "-" if beside is None else f"{beside:.3f}",
        )
    return table


def _measures(results: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    for task, numbers in results.items():
        if task != "random":
            yield from ((task, measure, numbers[measure]) for measure in MEASURES if measure in numbers)
