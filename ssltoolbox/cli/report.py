"""`ssltoolbox report`."""

from __future__ import annotations

from pathlib import Path

import click

from ssltoolbox.cli.common import LocalPath


@click.command()
@click.argument("run", type=LocalPath())
@click.option("-o", "--output", type=LocalPath(dir_okay=False), help="The page [RUN/report.html].")
def report(run: Path, output: Path | None) -> None:
    """Write the report of a run from the files of its folder.

    The run may be finished, stopped, or still training.

    \b
    Example:
        ssltoolbox report runs/mine
    """
    from ssltoolbox.report import render_report
    from ssltoolbox.report.files import open_files
    from ssltoolbox.support.files import write_text

    open_files(run)
    output = output or run / "report.html"
    write_text(output, render_report(run))
    click.echo(f"written to {output}")
