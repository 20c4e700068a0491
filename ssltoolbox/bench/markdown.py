"""table.md: the leaderboard in Markdown."""

from __future__ import annotations

from collections.abc import Iterator

from ssltoolbox.bench.results import INTERVAL, Bench
from ssltoolbox.bench.tables import (
    COSTS,
    READING,
    TableCell,
    TextTable,
    costs_table,
    differences_table,
    results_table,
)
from ssltoolbox.bench.words import point_text
from ssltoolbox.report.markdown import plain


def render_markdown(bench: Bench) -> str:
    """What a reader must know beside the numbers is said under them."""
    return "\n\n".join(_parts(bench)) + "\n"


def _parts(bench: Bench) -> Iterator[str]:
    board = bench.overall
    yield f"# {plain(bench.name)}"
    yield _table(results_table(board))
    yield READING
    yield from map(plain, bench.notes)
    if differences := differences_table(board):
        yield f"## Difference to {plain(str(board.baseline))}"
        yield _table(differences)
        yield f"Mean of the differences, {INTERVAL}. Bold: the interval leaves out zero."
    for point, its_board in bench.by_point:
        yield f"## {plain(point_text(point))}"
        yield _table(results_table(its_board))
    yield "## Cost"
    yield _table(costs_table(board))
    yield COSTS
    if unfinished := bench.unfinished:
        yield "## Without results"
        yield "\n".join(f"- {plain(line)}" for line in unfinished)
    yield f"Code {plain(bench.code)}."


def _table(table: TextTable) -> str:
    rule = "|---|" + "---:|" * (len(table.head) - 1)
    rows = [f"| {' | '.join(map(_cell, row))} |" for row in table.rows]
    return "\n".join([f"| {' | '.join(map(plain, table.head))} |", rule, *rows])


def _cell(cell: TableCell) -> str:
    text = plain(f"{cell.text} {cell.detail}".rstrip())
    return f"**{text}**" if cell.clear else text
