"""report.html of a benchmark: the tables, and plots with error bars, on a page that needs no other file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ssltoolbox.bench.leaderboard import Column, Leaderboard, measured
from ssltoolbox.bench.plots import difference_plot, metric_plot
from ssltoolbox.bench.recipes import recipes_of
from ssltoolbox.bench.results import Bench
from ssltoolbox.bench.tables import (
    COSTS,
    DIFFERENCES,
    READING,
    VARIANTS,
    comparisons_table,
    costs_table,
    differences_table,
    matrix_table,
    results_table,
)
from ssltoolbox.bench.words import difference_text, job_text, point_text, spread_text
from ssltoolbox.report.page import Picture
from ssltoolbox.report.templates import html_template
from ssltoolbox.support.words import counted, duration_text

TEMPLATE = "bench.html.j2"
MOST_NAMED = 3
FEW = 3
"""Runs of a recipe, fewer of which give no interval, or one that means little."""


def render_page(bench: Bench, folder: Path) -> str:
    """The page; its links to the runs' own reports are relative to the benchmark's folder."""
    board = bench.overall
    return html_template(TEMPLATE, "ssltoolbox.bench").render(
        title=f"{bench.name}: benchmark",
        name=bench.name,
        claim=claim(board),
        notes=[*filter(None, [too_few(board)]), *bench.notes],
        seconds_to_reload=None,
        facts=list(_facts(bench)),
        unfinished=bench.unfinished,
        results=results_table(board),
        reading=READING,
        pictures=[_metric_picture(board, column, bench) for column in board.columns],
        differences=differences_table(board),
        baseline=board.baseline,
        differences_reading=DIFFERENCES,
        difference_pictures=list(_difference_pictures(board)),
        comparisons=comparisons_table(bench.comparisons, board.columns) if bench.comparisons else None,
        matrices=[(matrix.column.label, matrix_table(matrix)) for matrix in bench.matrices],
        variants_reading=VARIANTS,
        points=[
            {"title": point_text(point), "results": results_table(its_board)}
            for point, its_board in bench.by_point
        ],
        recipes=recipes_of(bench),
        costs=costs_table(board),
        cost_reading=COSTS,
        runs=list(_runs(bench, folder)),
    )


def claim(board: Leaderboard) -> str:
    """The first row in one sentence. It is called the best only if its lead over each other recipe is clear."""
    first = board.rows[0]
    column = board.leading
    if column is None or column not in first.cells:
        return "Nothing has been evaluated."
    cell = first.cells[column]
    runs = counted(cell.of_runs.n, "run")
    text = f"{_lead(board, column)}: {first.recipe}, {spread_text(cell.of_runs)} over {runs}"
    if board.rivals and column.metric.better:
        text += f", but not clearly better than {_names(board.rivals)}"
    difference = cell.to_baseline
    if difference is None:
        return f"{text}."
    single = ", from a single pair" if difference.low is None else ""
    return f"{text}; {difference_text(difference)} versus {board.baseline}{single}."


def too_few(board: Leaderboard) -> str:
    """A note where there are too few runs for an interval, or for one that means much; else empty."""
    pairs = [cell.to_baseline.n for row in board.rows for cell in row.cells.values() if cell.to_baseline]
    runs = [row.runs for row in board.rows if row.runs]
    fewest = min(pairs or runs, default=0)
    if not 0 < fewest < FEW:
        return ""
    if fewest == 1:
        return "A single run of each recipe has no interval: a difference may be chance. Run three seeds or more."
    return "Two runs of each recipe give wide intervals that mean little. Run three seeds or more."


def _lead(board: Leaderboard, column: Column) -> str:
    """The metric in which the first row leads."""
    by = f"{column.metric.words} of {column.title}"
    if not column.metric.better or sum(column in row.cells for row in board.rows) == 1:
        return by[0].upper() + by[1:]
    if board.rivals:
        return f"{'Highest' if column.metric.better == 'higher' else 'Lowest'} {by}"
    return f"Best by {by}"


def _names(recipes: Sequence[str]) -> str:
    """The recipes, or the first few and how many others.

    >>> _names(["a", "b"]), _names(["a", "b", "c", "d", "e"])
    ('a and b', 'a, b, c and 2 others')
    """
    more = len(recipes) - MOST_NAMED
    *head, last = [*recipes[:MOST_NAMED], counted(more, "other")] if more > 0 else recipes
    return f"{', '.join(head)} and {last}" if head else last


def _facts(bench: Bench) -> Iterator[tuple[str, str]]:
    jobs = list(bench.states)
    yield "runs", f"{len(bench.finished)} of {len(jobs)}"
    yield "seeds", ", ".join(str(seed) for seed in dict.fromkeys(job.seed for job in jobs))
    points = [point_text(point) for point, _ in bench.by_point]
    if points:
        yield "sweep", "; ".join(points)
    times = [run.cost.seconds for run in bench.finished.values()]
    if times and None not in times:
        yield "time of all runs", duration_text(sum(time for time in times if time is not None))
    yield "code", bench.code
    yield "written", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _metric_picture(board: Leaderboard, column: Column, bench: Bench) -> Picture:
    rows = [row for row in board.rows if column in row.cells]
    runs = list(bench.finished.values())
    single = {
        row.recipe: list(measured([run for run in runs if run.job.recipe == row.recipe], column).values())
        for row in rows
    }
    words = "; ".join(f"{row.recipe} {spread_text(row.cells[column].of_runs)}" for row in rows)
    reading = "Mean ± standard deviation; below it, a small dot for each run."
    return Picture(metric_plot(rows, column, single), column.label, words, reading)


def _difference_pictures(board: Leaderboard) -> Iterator[Picture]:
    for column in board.columns:
        differences = {
            row.recipe: difference
            for row in board.rows
            if column in row.cells and (difference := row.cells[column].to_baseline)
        }
        if differences:
            words = "; ".join(f"{recipe} {difference_text(its)}" for recipe, its in differences.items())
            reading = f"Minus {board.baseline}, with the interval."
            yield Picture(difference_plot(differences, column), column.label, words, reading)


def _runs(bench: Bench, folder: Path) -> Iterator[dict[str, str]]:
    for job, state in bench.states.items():
        run = bench.finished.get(job)
        report = run.folder / "report.html" if run else None
        yield {
            "text": job_text(job),
            "state": state.value,
            "time": duration_text(run.cost.seconds if run else None),
            "report": quote(os.path.relpath(report, folder)) if report and report.exists() else "",
        }
