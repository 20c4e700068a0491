"""report.html of a benchmark: the tables, and plots with error bars, on a page that needs no other file."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from ssltoolbox.bench.leaderboard import Leaderboard, Measure, measured
from ssltoolbox.bench.plots import difference_plot, measure_plot
from ssltoolbox.bench.results import INTERVAL, Bench
from ssltoolbox.bench.tables import COSTS, READING, costs_table, differences_table, results_table
from ssltoolbox.bench.words import difference_text, duration, job_text, point_text, spread_text
from ssltoolbox.report.page import Picture
from ssltoolbox.report.templates import template

TEMPLATE = "bench.html.j2"


def render_page(bench: Bench, folder: Path) -> str:
    """The page; its links to the runs' own reports are relative to the benchmark's folder."""
    board = bench.overall
    return template(TEMPLATE, "ssltoolbox.bench").render(
        name=bench.name,
        claim=claim(board),
        notes=bench.notes,
        facts=list(_facts(bench)),
        unfinished=bench.unfinished,
        results=results_table(board),
        reading=READING,
        measures=[_measure_picture(board, measure, bench) for measure in board.measures],
        differences=differences_table(board),
        baseline=board.baseline,
        interval=INTERVAL,
        difference_pictures=list(_difference_pictures(board)),
        points=[
            {"title": point_text(point), "results": results_table(its_board)}
            for point, its_board in bench.by_point
        ],
        costs=costs_table(board),
        cost_reading=COSTS,
        runs=list(_runs(bench, folder)),
    )


def claim(board: Leaderboard) -> str:
    """The first row in one sentence, beside the baseline."""
    first = board.rows[0]
    measure = next(iter(board.measures), None)
    if measure is None or measure not in first.cells:
        return "Nothing has been evaluated."
    cell = first.cells[measure]
    count = cell.of_runs.n
    by = f"{measure.task_label} {measure.name_label}"
    text = f"Best by {by}: {first.recipe}, {spread_text(cell.of_runs)} over {count} run{'s' * (count > 1)}"
    difference = cell.beside_baseline
    if difference is None:
        return f"{text}."
    against = f"{difference_text(difference)} against {board.baseline}"
    if difference.low is None:
        return f"{text}; {against}, from a single pair."
    return f"{text}; {against}{'' if difference.is_clear else ', which may be chance'}."


def _facts(bench: Bench) -> Iterator[tuple[str, str]]:
    jobs = list(bench.states)
    yield "runs", f"{len(bench.finished)} of {len(jobs)}"
    yield "seeds", ", ".join(str(seed) for seed in dict.fromkeys(job.seed for job in jobs))
    points = [point_text(point) for point, _ in bench.by_point]
    if points:
        yield "sweep", "; ".join(points)
    times = [run.cost.seconds for run in bench.finished.values()]
    if times and None not in times:
        yield "time of all runs", duration(sum(time for time in times if time is not None))
    yield "code", bench.code
    yield "written", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _measure_picture(board: Leaderboard, measure: Measure, bench: Bench) -> Picture:
    rows = [row for row in board.rows if measure in row.cells]
    runs = list(bench.finished.values())
    single = {
        row.recipe: list(measured([run for run in runs if run.job.recipe == row.recipe], measure).values())
        for row in rows
    }
    words = "; ".join(f"{row.recipe} {spread_text(row.cells[measure].of_runs)}" for row in rows)
    reading = "mean ± standard deviation; a dot for each run"
    return Picture(measure_plot(rows, measure, single), measure.label, words, reading)


def _difference_pictures(board: Leaderboard) -> Iterator[Picture]:
    for measure in board.measures:
        differences = {
            row.recipe: difference
            for row in board.rows
            if measure in row.cells and (difference := row.cells[measure].beside_baseline)
        }
        if differences:
            words = "; ".join(f"{recipe} {difference_text(its)}" for recipe, its in differences.items())
            reading = f"minus {board.baseline}, with the interval"
            yield Picture(difference_plot(differences), measure.label, words, reading)


def _runs(bench: Bench, folder: Path) -> Iterator[dict[str, str]]:
    for job, state in bench.states.items():
        run = bench.finished.get(job)
        report = run.folder / "report.html" if run else None
        yield {
            "text": job_text(job),
            "state": state.value,
            "time": duration(run.cost.seconds if run else None),
            "report": quote(os.path.relpath(report, folder)) if report and report.exists() else "",
        }
