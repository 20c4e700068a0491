"""`ssltoolbox train`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import RECIPE, SET, LocalPath, print_warnings
from ssltoolbox.cli.output import libraries_loaded, new_console, shown
from ssltoolbox.support.words import counted

if TYPE_CHECKING:
    from rich.console import Console

    from ssltoolbox.engine.training.run import Run
    from ssltoolbox.plan import Plan


@click.command()
@RECIPE
@SET
@click.option("--out", type=LocalPath(), help="The run folder [runs/<name>/<date-time>].")
@click.option("--resume", is_flag=True, help="Continue the run in --out; start it if there is none.")
@click.option("--profile", is_flag=True, help="Print the time of each stage at the end.")
def train(recipe: Path, overrides: tuple[str, ...], out: Path | None, resume: bool, profile: bool) -> None:
    """Train and evaluate a network as RECIPE describes.

    RECIPE is a file, or the name of a recipe that comes with ssltoolbox. The run folder contains the weights,
    the results and report.html.

    \b
    Example:
        ssltoolbox train quickstart
        ssltoolbox train mine.yaml --out runs/mine --set optim.lr=1e-3
        ssltoolbox train mine.yaml --out runs/mine --resume
    """

    from ssltoolbox.engine.training.launch import is_first_process
    from ssltoolbox.plan import load_plan

    if resume and out is None:
        raise click.UsageError("--resume needs --out, the folder of the run to resume")
    plan = load_plan(recipe, overrides)
    console = new_console()
    if is_first_process():
        _begin(plan, console)
    with libraries_loaded():
        from ssltoolbox.engine.training.run import train as train_plan

    _end(train_plan(plan, out, resume, console, profile), plan, console)


def _begin(plan: Plan, console: Console) -> None:
    from ssltoolbox.api import KINDS

    print_warnings(plan)
    counts = plan.counts
    strategies = [chosen.key for kind in KINDS.values() if kind.strategy for chosen in plan.of(kind)]
    acting = f"{plan.method.key} with {', '.join(strategies)}" if strategies else plan.method.key
    length = (
        f"{counted(counts.steps, 'step')} of {counts.instances} instances" if plan.trains else "no training"
    )
    console.print(f"{plan.recipe.name}: {acting} on {plan.data.key}, {length}")


def _end(run: Run, plan: Plan, console: Console) -> None:
    from ssltoolbox.cli.results import print_results

    if run.evaluation:
        with shown("the results", run.folder.evaluation):
            print_results(run.evaluation, plan, console)
    folder = run.folder
    console.print(f"done; the run is in {folder.path}", soft_wrap=True)
    if folder.report.exists():
        console.print(f"report: {folder.report}", soft_wrap=True)
    console.print(f"next: {_next_command(folder.path, bool(run.evaluation))}", soft_wrap=True)


def _next_command(path: Path, evaluated: bool) -> str:
    """What to do with the run: measure it, or look at it next to another one."""
    command = ["evaluate", str(path), "--tasks", "TASK"]
    if evaluated:
        command = ["compare", str(path), "OTHER_RUN"]
    return shlex.join(["ssltoolbox", *command])
