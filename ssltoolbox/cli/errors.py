"""Prints errors and gives their exit codes."""

from __future__ import annotations

import os

import click

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
TRACEBACK = "SSLTOOLBOX_TRACEBACK"


def explain(error: Exception) -> int:
    """Prints what went wrong, without a traceback, and gives the exit code.

    A run's log.txt has the traceback; where there is no run, SSLTOOLBOX_TRACEBACK=1 raises the error again.
    """
    from ssltoolbox.api import SslToolboxError, UserError
    from ssltoolbox.support.open_files import ADVICE, is_too_many_files

    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, UserError):
        click.echo(str(error), err=True)
        return WRONG_INPUT
    if is_too_many_files(error):
        click.echo(f"too many files are open at once; {ADVICE}, or use fewer workers", err=True)
    elif isinstance(error, SslToolboxError):
        click.echo(str(error), err=True)
    else:
        first = (str(error).strip() or "no message").splitlines()[0]
        click.echo(f"failed: {type(error).__name__}: {first}", err=True)
    return FAILED
