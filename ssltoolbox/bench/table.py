"""table.md: the leaderboard in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from ssltoolbox.bench.leaderboard import Leaderboard, Measure, Row
from ssltoolbox.bench.results import INTERVAL, Bench
from ssltoolbox.bench.schedule import JobState
from ssltoolbox.bench.words import (
    MISSING,
    difference_text,
    duration,
    gibibytes,
    job_text,
    point_text,
    spread_text,
)

READING = (
    "Mean ± standard deviation over the runs of a recipe (seeds and points of the sweep). The arrow says which "
    "way is better."
)
COSTS = (
    "Means over the runs: images per second in training, both views counted; the most memory that one process of "
    "the run used; wall time, evaluation included."
)


def render_table(bench: Bench) -> str:
    """Everything that a reader needs beside the numbers is said under them."""
    return "\n".join(_lines(bench)) + "\n"


def _lines(bench: Bench) -> Iterator[str]:
    board = bench.overall
    yield f"# {_text(bench.name)}"
    yield ""
    yield from _results(board)
    yield ""
    yield READING
    for note in bench.notes:
        yield f"\n{_text(note)}"
    if board.baseline is not None and any(_compared(row) for row in board.rows):
        yield f"\n## Difference to {_text(board.baseline)}\n"
        yield from _differences(board)
        yield f"\nMean of the differences, {INTERVAL}. Bold: the interval leaves out zero."
    for point, its_board in bench.by_point:
        yield f"\n## {_text(point_text(point))}\n"
        yield from _results(its_board)
    yield "\n## Cost\n"
    yield from _costs(board)
    yield f"\n{COSTS}"
    unfinished = [job for job, state in bench.states.items() if not state.has_results]
    if unfinished:
        yield "\n## Without results\n"
        for job in unfinished:
            state = bench.states[job]
            reason = f": {_text(bench.reasons[job])}" if state is JobState.FAILED else ""
            yield f"- {_text(job_text(job))}: {state.value}{reason}"
    yield f"\nCode {bench.code}."


def _results(board: Leaderboard) -> Iterator[str]:
    head = ["recipe", "runs", *(measure.label for measure in board.measures)]
    rows = [
        [row.recipe, str(row.runs), *(_result(row, measure) for measure in board.measures)]
        for row in board.rows
    ]
    yield from _table(head, rows)


def _result(row: Row, measure: Measure) -> str:
    return spread_text(row.cells[measure].of_runs) if measure in row.cells else MISSING


def _differences(board: Leaderboard) -> Iterator[str]:
    head = ["recipe", "pairs", *(measure.label for measure in board.measures)]
    rows = []
    for row in filter(_compared, board.rows):
        pairs = max(cell.beside_baseline.n for cell in row.cells.values() if cell.beside_baseline)
        rows.append([row.recipe, str(pairs), *(_difference(row, measure) for measure in board.measures)])
    yield from _table(head, rows)


def _compared(row: Row) -> bool:
    return any(cell.beside_baseline for cell in row.cells.values())


def _difference(row: Row, measure: Measure) -> str:
    difference = row.cells[measure].beside_baseline if measure in row.cells else None
    if difference is None:
        return MISSING
    text = difference_text(difference)
    return f"**{text}**" if difference.is_clear else text


def _costs(board: Leaderboard) -> Iterator[str]:
    rows = []
    for row in board.rows:
        costs = {name: cost.mean for name, cost in row.costs.items()}
        rate = costs.get("images_per_s")
        rows.append(
            [
                row.recipe,
                MISSING if rate is None else f"{rate:,.0f}",
                gibibytes(costs.get("peak_memory")),
                gibibytes(costs.get("peak_gpu_memory")),
                duration(costs.get("seconds")),
            ]
        )
    yield from _table(["recipe", "images/s", "memory", "GPU memory", "time of a run"], rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * 1}{'---:|' * (len(head) - 1)}"
    for first, *others in rows:
        yield f"| {' | '.join([_text(first), *others])} |"


def _text(text: str) -> str:
    """Text of the user, so that Markdown takes none of it for a sign of its own."""
    return "".join(f"\\{character}" if character in r"\`*_{}[]<>#|!" else character for character in text)
