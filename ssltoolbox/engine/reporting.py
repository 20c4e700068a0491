"""report.html of a run folder, and the picture of pairs in it."""

from __future__ import annotations

import logging

from rich.console import Console

from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.files import write_text
from ssltoolbox.engine.run_folder import RunFolder
from ssltoolbox.plan import Plan

DRAWS_SHOWN = 3
"""Draws in the picture of pairs: what a report needs; `ssltoolbox preview` shows more."""

log = logging.getLogger(__name__)


def write_report(plan: Plan, folder: RunFolder, console: Console) -> None:
    """Writes report.html from the files of the run.

    A run is done without its report: what goes wrong here is said on the console, with the traceback in the log,
    and fails nothing.
    """
    try:
        # Matplotlib takes a second to import, and may fail for reasons of its own.
        from ssltoolbox.engine.preview import preview
        from ssltoolbox.report import render_report

        if plan.trains and not folder.pairs.exists():
            preview(plan, folder.pairs, draws=DRAWS_SHOWN)
        write_text(folder.report, render_report(folder.path))
    except Exception as error:
        log.exception("the report could not be written")
        console.print(
            f"the report could not be written: {first_line(error)}; the run is whole without it, and the "
            f"traceback is in {folder.log}",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
