"""`ssltoolbox bench`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import LocalPath, tell_warnings
from ssltoolbox.cli.errors import DONE, FAILED, INTERRUPTED
from ssltoolbox.cli.output import new_console, shown
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.bench.run import BenchOutcome, PlannedBench


@click.command()
@click.argument("grid", type=LocalPath())
@click.option("--out", type=LocalPath(), required=True, help="The benchmark's folder.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs side by side.")
@click.option("--dry-run", is_flag=True, help="List the runs and their expected time; run nothing.")
def bench(grid: Path, out: Path, jobs: int, dry_run: bool) -> int:
    """Run several recipes with several seeds, and compare them.

    GRID is a YAML file with recipes, seeds and a baseline. If a benchmark is interrupted, the same command
    with the same --out continues it. Finished runs are not repeated unless their recipe or the code has
    changed.

    \b
    Example:
        ssltoolbox bench grid.yaml --out runs/grid --dry-run
        ssltoolbox bench grid.yaml --out runs/grid --jobs 2
    """

    from ssltoolbox.bench.run import plan_bench, run_bench

    planned = plan_bench(grid, out, data_needed=not dry_run)
    tell_warnings(planned)
    console = new_console()
    if dry_run:
        _preview(planned, jobs, console)
        return DONE
    return _end(run_bench(planned, jobs, console), planned, console)


def _preview(planned: PlannedBench, jobs: int, console: Console) -> None:
    from ssltoolbox.bench.dry_run import dry_run_table, dry_run_words

    console.print(dry_run_table(planned))
    console.print(dry_run_words(planned, jobs), highlight=False)


def _end(outcome: BenchOutcome, planned: PlannedBench, console: Console) -> int:
    """Prints the leaderboard and the failures, and gives the exit code."""
    from ssltoolbox.bench.display import leaderboard_table
    from ssltoolbox.bench.schedule import JobState

    bench, folder = outcome.bench, planned.folder
    if bench.finished:
        with shown("the leaderboard", folder.table):
            console.print(leaderboard_table(bench.overall))
            for note in bench.notes:
                console.print(note)
    for job, reason in bench.reasons.items():
        line = f"failed: {job.recipe}, seed {job.seed}: {reason}; see {folder.output(job)}"
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    written = folder.report if folder.report.exists() else folder.table
    console.print(f"written to {written}", highlight=False, markup=False, soft_wrap=True)
    if outcome.interrupted:
        click.echo("stopped; run the same command again to resume", err=True)
        return INTERRUPTED
    if outcome.code_changed:
        left = sum(state in (JobState.WAITING, JobState.ELSEWHERE) for state in bench.states.values())
        click.echo(
            f"the code was changed while this ran, so {counted(left, 'run')} {agreeing(left, 'was', 'were')} not "
            "started; run it again",
            err=True,
        )
    return FAILED if outcome.code_changed or bench.reasons else DONE
