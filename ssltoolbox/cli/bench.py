"""`ssltoolbox bench`."""

from __future__ import annotations

import json as json_module
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import LocalPath, print_first, print_warnings
from ssltoolbox.cli.errors import DONE, FAILED, INTERRUPTED
from ssltoolbox.cli.output import new_console, shown
from ssltoolbox.support.words import agreeing, counted

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.bench.run import BenchOutcome, PlannedBench


@click.command()
@click.argument("grid", type=LocalPath())
@click.option("--out", type=LocalPath(), required=True, help="The benchmark's folder.")
@click.option(
    "--jobs", type=click.IntRange(min=1), help="Number of runs at the same time [1; on a cluster all]."
)
@click.option(
    "--engine",
    type=click.Choice(["local", "slurm", "processes"]),
    default="local",
    show_default=True,
    help="Where the runs start: here, or as SLURM jobs. 'processes' runs such jobs here, to try them out.",
)
@click.option("--dry-run", is_flag=True, help="Show the runs and their expected time; run nothing.")
@click.option("--list", "listed", is_flag=True, help="Print the command of each run on a line; run nothing.")
@click.option("--json", is_flag=True, help="With --list: print the runs and their commands as JSON.")
@click.option("--collect", is_flag=True, help="Compare the runs that exist; run nothing.")
def bench(
    grid: Path,
    out: Path,
    jobs: int | None,
    engine: str,
    dry_run: bool,
    listed: bool,
    json: bool,
    collect: bool,
) -> int:
    """Run several recipes with several seeds, and compare them.

    GRID is a YAML file with recipes, seeds and a baseline. If a benchmark is interrupted, the same command
    with the same --out continues it. Finished runs are not repeated unless their recipe or the code has
    changed. Several such commands, on several machines too, share the runs of a folder.

    \b
    Example:
        ssltoolbox bench grid.yaml --out runs/grid --dry-run
        ssltoolbox bench grid.yaml --out runs/grid --jobs 2
        ssltoolbox bench grid.yaml --out runs/grid --list > commands.txt
        ssltoolbox bench grid.yaml --out runs/grid --collect
    """

    from ssltoolbox.bench.run import collect_bench, plan_bench, run_bench

    if dry_run + listed + collect > 1:
        raise click.UsageError("--dry-run, --list and --collect can't be used together")
    if json and not listed:
        raise click.UsageError("--json needs --list")
    planned = plan_bench(grid, out, data_needed=not (dry_run or listed or collect))
    print_warnings(planned)
    console = new_console()
    if dry_run:
        _preview(planned, jobs or 1, console)
        return DONE
    if listed:
        _list(planned, json)
        return DONE
    if collect:
        return _collected(collect_bench(planned, console), planned, console)
    return _end(run_bench(planned, jobs, console, engine), planned, console)


def _preview(planned: PlannedBench, jobs: int, console: Console) -> None:
    from ssltoolbox.bench.dry_run import dry_run_table, dry_run_words

    console.print(dry_run_table(planned))
    console.print(dry_run_words(planned, jobs))


def _list(planned: PlannedBench, json: bool) -> None:
    from ssltoolbox.bench.listing import as_data, command_lines, write_recipes

    write_recipes(planned)
    if json:
        click.echo(json_module.dumps(as_data(planned), indent=2))
    else:
        click.echo("\n".join(command_lines(planned)))


def _collected(outcome: BenchOutcome, planned: PlannedBench, console: Console) -> int:
    """Prints the leaderboard, and how many runs are missing."""
    bench = outcome.bench
    _end(outcome, planned, console)
    done = len(bench.finished)
    of_all = f"{done} of {counted(len(bench.states), 'run')} {agreeing(done, 'is', 'are')} finished"
    click.echo(of_all, err=True)
    print_first(bench.unfinished, "the runs without results are listed in results.json")
    return DONE if bench.finished else FAILED


def _end(outcome: BenchOutcome, planned: PlannedBench, console: Console) -> int:
    """Prints the leaderboard and the failures, and gives the exit code."""
    from ssltoolbox.bench.display import leaderboard
    from ssltoolbox.bench.schedule import JobState

    bench, folder = outcome.bench, planned.folder
    if bench.finished:
        with shown("the leaderboard", folder.table):
            console.print(leaderboard(bench.overall, console.width))
            for note in bench.notes:
                console.print(note)
    for job, reason in bench.reasons.items():
        line = f"failed: {job.recipe}, seed {job.seed}: {reason}; see {folder.output(job)}"
        console.print(line, soft_wrap=True)
    written = folder.report if folder.report.exists() else folder.table
    console.print(f"written to {written}", soft_wrap=True)
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
