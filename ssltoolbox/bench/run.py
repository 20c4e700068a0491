"""Runs a benchmark: from its grid to its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ssltoolbox.api.errors import first_line
from ssltoolbox.bench.display import Display
from ssltoolbox.bench.estimate import Estimates
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.grid import LoadedGrid, load_grid
from ssltoolbox.bench.jobs import Job, plan_jobs
from ssltoolbox.bench.results import Bench, results_of_bench
from ssltoolbox.bench.runs import FinishedRun, read_finished
from ssltoolbox.bench.schedule import JobSchedule
from ssltoolbox.bench.tables import differences_table, render_markdown, results_table
from ssltoolbox.recipe import RecipeProblem
from ssltoolbox.registry.code import code_version
from ssltoolbox.support.files import write_json, write_text


@dataclass(frozen=True)
class PlannedBench:
    """A benchmark that could be run.

    Attributes:
        loaded: its grid.
        jobs: its runs.
        code: version of the code that would run them.
        folder: the benchmark's folder.
        warnings: the warnings of the recipes.
    """

    loaded: LoadedGrid
    jobs: tuple[Job, ...]
    code: str
    folder: BenchFolder
    warnings: tuple[RecipeProblem, ...]


@dataclass(frozen=True)
class BenchOutcome:
    """How a benchmark ended.

    Attributes:
        bench: the current state of the benchmark.
        interrupted: whether a user stopped it.
        code_changed: whether it stopped because the code was edited since it began.
    """

    bench: Bench
    interrupted: bool
    code_changed: bool

    def _repr_html_(self) -> str:
        """The leaderboard and the differences to the baseline, for notebooks."""
        board = self.bench.overall
        tables = filter(None, (results_table(board), differences_table(board)))
        return "".join(table._repr_html_() for table in tables)


def plan_bench(grid: Path, out: Path, data_needed: bool = True) -> PlannedBench:
    """Plans a benchmark without running or writing anything.

    Args:
        grid: the grid's file.
        out: the benchmark's folder.
        data_needed: if False, data that is not there is a warning.

    Raises:
        RecipeError: with all problems of the grid and its recipes, at their places.
    """
    loaded = load_grid(grid)
    code = code_version()
    jobs = plan_jobs(loaded, code, data_needed)
    return PlannedBench(loaded, jobs.all, code, BenchFolder(out), jobs.warnings)


def run_bench(planned: PlannedBench, side_by_side: int, console: Console) -> BenchOutcome:
    """Runs the remaining jobs; writes the results after each run, and the page at the end.

    A run that fails does not stop the others.

    Args:
        planned: the benchmark.
        side_by_side: how many runs at a time.
        console: where progress is shown.

    Raises:
        UserError: when the folder is in use.
    """
    folder = planned.folder
    finished: dict[Job, FinishedRun] = {}
    with folder.locked():
        schedule = JobSchedule(planned.jobs, folder, side_by_side, planned.code)

        def written() -> Bench:
            bench = _as_it_stands(planned, schedule, finished)
            write_json(folder.results, results_of_bench(bench, folder.path))
            write_text(folder.table, render_markdown(bench))
            return bench

        with Display(console, schedule, folder, Estimates(folder), written) as display:
            schedule.run(display)
        bench = written()
        _write_page(bench, folder, console)
        return BenchOutcome(bench, schedule.interrupted, schedule.code_changed)


def _write_page(bench: Bench, folder: BenchFolder, console: Console) -> None:
    """Writes the page, at the end because it takes seconds. A failure here does not fail the benchmark."""
    try:
        from ssltoolbox.bench.page import render_page

        write_text(folder.report, render_page(bench, folder.path))
    except Exception as error:
        line = f"{folder.report} could not be written: {first_line(error)}; the results are in {folder.table}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)


def _as_it_stands(planned: PlannedBench, schedule: JobSchedule, finished: dict[Job, FinishedRun]) -> Bench:
    """The current state of the benchmark; `finished` caches the runs that were read."""
    for job, state in schedule.states.items():
        if state.has_results and job not in finished:
            finished[job] = read_finished(job, planned.folder)
    return Bench(
        name=planned.loaded.path.stem,
        code=planned.code,
        baseline=planned.loaded.grid.baseline,
        states=dict(schedule.states),
        finished=dict(finished),
        reasons=dict(schedule.reasons),
    )
