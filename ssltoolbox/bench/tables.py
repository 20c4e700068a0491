"""The leaderboard as tables of texts, for Markdown and for the page."""

from __future__ import annotations

from dataclasses import dataclass

from ssltoolbox.bench.leaderboard import Leaderboard, Measure, Row
from ssltoolbox.bench.words import MISSING, duration, gibibytes, interval_text, spread_text

READING = (
    "Mean ± standard deviation over the runs of a recipe (seeds and points of the sweep). The arrow says which "
    "way is better."
)
COSTS = (
    "Means over the runs: images per second in training, both views counted; the most memory that one process of "
    "the run used; wall time, evaluation included."
)


@dataclass(frozen=True)
class TableCell:
    """A text of a table.

    Attributes:
        text: as it is, of the user perhaps.
        detail: what may stand under it; empty for nothing.
        clear: whether it is a difference whose interval leaves out zero.
    """

    text: str
    detail: str = ""
    clear: bool = False


@dataclass(frozen=True)
class TextTable:
    """Rows of texts under a head; the first column has names, the others numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[TableCell, ...], ...]


def results_table(board: Leaderboard) -> TextTable:
    """Mean and spread of every measure of every recipe."""
    return TextTable(
        ("recipe", "runs", *(measure.label for measure in board.measures)),
        tuple(
            (
                TableCell(row.recipe),
                TableCell(str(row.runs)),
                *(_result(row, measure) for measure in board.measures),
            )
            for row in board.rows
        ),
    )


def differences_table(board: Leaderboard) -> TextTable | None:
    """The paired differences to the baseline; None where nothing is compared."""
    rows = []
    for row in board.rows:
        pairs = [cell.beside_baseline.n for cell in row.cells.values() if cell.beside_baseline]
        if pairs:
            cells = [_difference(row, measure) for measure in board.measures]
            rows.append((TableCell(row.recipe), TableCell(str(max(pairs))), *cells))
    head = ("recipe", "pairs", *(measure.label for measure in board.measures))
    return TextTable(head, tuple(rows)) if rows else None


def costs_table(board: Leaderboard) -> TextTable:
    """What a run of each recipe took on average."""
    rows = []
    for row in board.rows:
        costs = {name: cost.mean for name, cost in row.costs.items()}
        rate = costs.get("images_per_s")
        texts = (
            row.recipe,
            MISSING if rate is None else f"{rate:,.0f}",
            gibibytes(costs.get("peak_memory")),
            gibibytes(costs.get("peak_gpu_memory")),
            duration(costs.get("seconds")),
        )
        rows.append(tuple(map(TableCell, texts)))
    return TextTable(("recipe", "images/s", "memory", "GPU memory", "time of a run"), tuple(rows))


def _result(row: Row, measure: Measure) -> TableCell:
    return TableCell(spread_text(row.cells[measure].of_runs) if measure in row.cells else MISSING)


def _difference(row: Row, measure: Measure) -> TableCell:
    difference = row.cells[measure].beside_baseline if measure in row.cells else None
    if difference is None:
        return TableCell(MISSING)
    return TableCell(f"{difference.mean:+z.3f}", interval_text(difference), difference.is_clear)
