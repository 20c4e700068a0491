"""What was learned, as a table beside the random initialisation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from rich.table import Table

MEASURES = {
    "f1": "macro-F1",
    "accuracy": "accuracy",
    "ccc": "CCC",
    "rmse": "RMSE",
}
LOWER_IS_BETTER = {("identity", "accuracy"), ("valence", "rmse"), ("arousal", "rmse")}


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
