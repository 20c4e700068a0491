"""`ssltoolbox compare`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import LocalPath
from ssltoolbox.cli.output import new_console
from ssltoolbox.support.words import MISSING

if TYPE_CHECKING:
    from rich.table import Table

    from ssltoolbox.report.comparison import RunComparison
    from ssltoolbox.report.results import Result


@click.command()
@click.argument("runs", metavar="RUN RUN…", nargs=-1, required=True, type=LocalPath())
@click.option(
    "-o",
    "--output",
    type=LocalPath(dir_okay=False),
    help="Also write a page with the curves, such as page.html.",
)
def compare(runs: tuple[Path, ...], output: Path | None) -> None:
    """Compare recipes, results, curves and pairs of runs.

    The runs may be finished, stopped, or still training.

    \b
    Example:
        ssltoolbox compare runs/simclr runs/mine -o comparison.html
    """
    from ssltoolbox.report.comparison import compare as compare_runs
    from ssltoolbox.report.comparison import render_comparison
    from ssltoolbox.support.files import write_text

    comparison = compare_runs(runs)
    console = new_console()
    for table in (_differences(comparison), _scores(comparison)):
        if table.rows:
            console.print(table)
    if not comparison.differences:
        console.print("The recipes are the same.")
    if output:
        write_text(output, render_comparison(comparison))
        console.print(f"written to {output}", soft_wrap=True)


def _differences(comparison: RunComparison) -> Table:
    table = _table("What the recipes differ in", "option", comparison)
    for row in comparison.differences:
        _add(table, row.key, *(MISSING if value is None else value for value in row.values))
    return table


def _scores(comparison: RunComparison) -> Table:
    table = _table("Results", "task and metric", comparison)
    for score in comparison.scores:
        first = score.first
        label = f"{first.label} {first.metric_label} {first.arrow}".rstrip()
        _add(table, label, *map(_cell, score.results))
    return table


def _cell(result: Result | None) -> str:
    """The number, and its interval below."""
    return MISSING if result is None else f"{result.text(result.trained)}\n{result.interval_text}".rstrip()


def _table(title: str, first: str, comparison: RunComparison) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left")
    table.add_column(first, overflow="fold")
    for name in comparison.names:
        table.add_column(Text(name), overflow="fold")
    return table


def _add(table: Table, *texts: str) -> None:
    from rich.text import Text

    table.add_row(*map(Text, texts))
