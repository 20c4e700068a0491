"""Runs a benchmark: from its grid to its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ssltoolbox.api.errors import first_line
from ssltoolbox.bench.child import INTERRUPTED, reason_of
from ssltoolbox.bench.display import Display
from ssltoolbox.bench.estimate import Estimates
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.grid import LoadedGrid, load_grid
from ssltoolbox.bench.jobs import Job, plan_jobs
from ssltoolbox.bench.results import Bench, results_of_bench
from ssltoolbox.bench.runs import FinishedRun, read_finished
from ssltoolbox.bench.schedule import JobSchedule, JobState
from ssltoolbox.bench.submitted import Submitter
from ssltoolbox.bench.tables import differences_table, render_markdown, results_table
from ssltoolbox.recipe import RecipeProblem
from ssltoolbox.registry.code import code_version
from ssltoolbox.support.files import write_json, write_text
from ssltoolbox.support.terminal import print_line

LOCAL = "local"


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


def run_bench(
    planned: PlannedBench, side_by_side: int | None, console: Console, engine: str = LOCAL
) -> BenchOutcome:
    """Runs the remaining jobs; writes the results after each run, and the page at the end.

    A run that fails does not stop the others.

    Args:
        planned: the benchmark.
        side_by_side: how many runs at a time; if not given, one on this machine, and all on a cluster.
        console: where progress is shown.
        engine: `local` for processes of this machine, or one of `submitted.ENGINES`.

    Raises:
        UserError: when the folder can't be written to, or the engine can't be used.
    """
    folder = planned.folder
    folder.make()
    at_once = side_by_side or (1 if engine == LOCAL else len(planned.jobs))
    launcher = None
    if engine != LOCAL:
        launcher = Submitter(engine, folder, planned.loaded.grid.cluster, at_once)
    finished: dict[Job, FinishedRun] = {}
    schedule = JobSchedule(planned.jobs, folder, at_once, planned.code, launcher)

    def written() -> Bench:
        for job, state in schedule.states.items():
            if state.has_results and job not in finished:
                finished[job] = read_finished(job, folder, planned.loaded.grid.neighbours)
        return _written(planned, schedule.states, finished, schedule.reasons)

    with Display(console, schedule, folder, Estimates(folder), written) as display:
        schedule.run(display)
    bench = written()
    _write_page(bench, folder, console)
    return BenchOutcome(bench, schedule.interrupted, schedule.code_changed)


def collect_bench(planned: PlannedBench, console: Console) -> BenchOutcome:
    """Writes the results of the runs that exist, whoever made them, and the page. Starts nothing.

    Args:
        planned: the benchmark.
        console: where a problem with the page is shown.

    Raises:
        UserError: when the folder can't be written to.
    """
    folder = planned.folder
    folder.make()
    finished: dict[Job, FinishedRun] = {}
    states: dict[Job, JobState] = {}
    reasons: dict[Job, str] = {}
    for job in planned.jobs:
        states[job] = _state_of(job, folder)
        if states[job].has_results:
            try:
                finished[job] = read_finished(job, folder, planned.loaded.grid.neighbours)
            except (OSError, ValueError) as error:
                states[job], reasons[job] = JobState.FAILED, f"its files can't be read: {first_line(error)}"
        elif states[job] is JobState.FAILED:
            reasons[job] = reason_of(job, folder, folder.record(job).attempts[-1].exit_code)
    bench = _written(planned, states, finished, reasons)
    _write_page(bench, folder, console)
    return BenchOutcome(bench, interrupted=False, code_changed=False)


def _state_of(job: Job, folder: BenchFolder) -> JobState:
    """The state of a run by its files."""
    if folder.complete(job):
        return JobState.CACHED
    if folder.in_use(job):
        return JobState.ELSEWHERE
    attempts = folder.record(job).attempts
    failed = attempts and attempts[-1].exit_code not in (None, 0, INTERRUPTED)
    return JobState.FAILED if failed else JobState.WAITING


def _write_page(bench: Bench, folder: BenchFolder, console: Console) -> None:
    """Writes the page, at the end because it takes seconds. A failure here does not fail the benchmark."""
    try:
        from ssltoolbox.bench.page import render_page

        page = render_page(bench, folder.path)
        with folder.writing_results():
            write_text(folder.report, page)
    except Exception as error:
        line = f"{folder.report} could not be written: {first_line(error)}; the results are in {folder.table}"
        print_line(console, line)


def _written(
    planned: PlannedBench,
    states: Mapping[Job, JobState],
    finished: Mapping[Job, FinishedRun],
    reasons: Mapping[Job, str],
) -> Bench:
    """The current state of the benchmark, after its results and its table are written."""
    folder = planned.folder
    bench = Bench(
        name=planned.loaded.path.stem,
        code=planned.code,
        baseline=planned.loaded.grid.baseline,
        states=dict(states),
        finished=dict(finished),
        reasons=dict(reasons),
        variants={name: variant.extends for name, variant in planned.loaded.variants.items()},
        pairs=planned.loaded.grid.compare,
    )
    with folder.writing_results():
        write_json(folder.results, results_of_bench(bench, folder.path))
        write_text(folder.table, render_markdown(bench))
    return bench
