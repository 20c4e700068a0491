"""Prints errors and gives their exit codes."""

from __future__ import annotations

import os

from ssltoolbox.cli.output import print_problem

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 130
TRACEBACK = "SSLTOOLBOX_TRACEBACK"
ERROR = {"fg": "red"}


def explain(error: Exception) -> int:
    """Prints what went wrong, without a traceback, and gives the exit code.

    A run's log.txt has the traceback; where there is no run, SSLTOOLBOX_TRACEBACK=1 raises the error again.
    """
    from ssltoolbox.api import SslToolboxError, UserError
    from ssltoolbox.support.open_files import ADVICE, is_too_many_files

    if os.environ.get(TRACEBACK):
        raise error
    if isinstance(error, UserError):
        print_problem(str(error), **({} if "\n" in str(error) else ERROR))
        return WRONG_INPUT
    if is_too_many_files(error):
        print_problem(f"too many files are open at once; {ADVICE}, or use fewer workers", **ERROR)
    elif isinstance(error, SslToolboxError):
        print_problem(str(error), **ERROR)
    else:
        first = (str(error).strip() or "no message").splitlines()[0]
        print_problem(f"failed: {type(error).__name__}: {first}", **ERROR)
    return FAILED
