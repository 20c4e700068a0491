"""A run as a notebook shows it."""

from __future__ import annotations

from pathlib import Path

from ssltoolbox.report.files import read_run
from ssltoolbox.report.page import claim_of
from ssltoolbox.report.results import results_of
from ssltoolbox.report.templates import html_template


def run_html(folder: Path) -> str:
    """The claim and the results of the run in a folder, as a piece of HTML.

    Raises:
        OSError, ValueError: when recipe.yaml is not there, or a file is damaged.
    """
    files = read_run(folder)
    results = results_of(files.evaluation)
    return html_template("notebook.html.j2").render(
        name=files.name, claim=claim_of(files, results), results=results, folder=folder
    )
