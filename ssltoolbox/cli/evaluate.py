"""`ssltoolbox evaluate`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import SET


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--tasks", metavar="NAME,…", help="The tasks, such as expression,identity [those of the run's recipe]."
)
@SET
def evaluate(run: Path, tasks: str | None, overrides: tuple[str, ...]) -> None:
    """Evaluate the backbone of a finished RUN, beside a random initialisation."""
    from rich.console import Console

    from ssltoolbox.cli.results import print_results
    from ssltoolbox.engine.entry import open_run
    from ssltoolbox.engine.evaluate import evaluate_run
    from ssltoolbox.engine.reporting import write_report
    from ssltoolbox.engine.run_log import logged_to

    if tasks:
        overrides = (*overrides, f"evaluate=[{tasks}]")
    folder, plan = open_run(run, overrides)
    console = Console()
    with folder.locked(), logged_to(folder.log):
        results = evaluate_run(plan, folder, again=True)
        write_report(plan, folder, console)
    print_results(results, plan, console)
    console.print(f"written to {folder.evaluation} and {folder.report}", highlight=False, soft_wrap=True)
