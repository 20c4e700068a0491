"""Writes report.html of a run, with its picture of pairs and its map of the features."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.plan import Plan
from ssltoolbox.support.files import write_text
from ssltoolbox.support.terminal import print_line

DRAWS_SHOWN = 3
"""Draws in the picture of pairs."""

log = logging.getLogger(__name__)


def write_report(components: Components, folder: RunFolder, console: Console) -> None:
    """Writes report.html from the files of the run. A run that trained gets a picture of pairs, and pictures of
    the method if it has any; a run that was evaluated gets a map of the features.

    A run is complete without its report: a failure here is printed, its traceback is logged, and the run succeeds.
    """
    if components.plan.trains and not folder.pairs.exists():
        with _failures_reported("the picture of pairs", folder, console):
            from ssltoolbox.engine.inspect.preview import preview

            preview(components, folder.pairs, draws=DRAWS_SHOWN)
    if shows_pictures(components.plan) and not folder.pictures.exists():
        with _failures_reported("the pictures of the method", folder, console):
            from ssltoolbox.engine.inspect.pictures import write_pictures

            if note := write_pictures(components, folder):
                log.warning(note)
                print_line(console, note)
    if folder.evaluation.exists() and not folder.embedding_map.exists():
        with _failures_reported("the map of the features", folder, console):
            from ssltoolbox.engine.inspect.embedding_map import write_map

            write_map(components, folder)
    write_page(folder, console)


def write_page(folder: RunFolder, console: Console) -> None:
    """Writes report.html from the files that the run has so far; a failure is printed and logged."""
    with _failures_reported("the report", folder, console):
        from ssltoolbox.report import render_report

        write_text(folder.report, render_report(folder.path))


def shows_pictures(plan: Plan) -> bool:
    """True if the plan's method shows what it makes of images."""
    return plan.trains and hasattr(plan.method.provided.load(), "pictures")


@contextmanager
def _failures_reported(what: str, folder: RunFolder, console: Console) -> Iterator[None]:
    """Prints a failure instead of raising it, also a failure of imports such as matplotlib."""
    try:
        yield
    except Exception as error:
        log.exception("%s could not be written", what)
        print_line(
            console,
            f"{what} could not be written: {first_line(error)}; the run is whole without it, and the traceback is "
            f"in {folder.log}",
        )
