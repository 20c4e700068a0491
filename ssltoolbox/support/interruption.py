"""A user or a scheduler stops the work: Ctrl-C, SIGTERM, SIGHUP or SIGUSR1."""

from __future__ import annotations

import sys
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

SECONDS_TO_INTERRUPT_AGAIN = 0.1


class Interrupted(Exception):
    """The work was stopped: the message says how to continue. The command line exits with 130."""


@contextmanager
def interruption_explained(message: str) -> Iterator[None]:
    """
    Raises:
        Interrupted: with that message, where the work inside is stopped.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise Interrupted(message) from None


@contextmanager
def no_interruption_lost() -> Iterator[None]:
    """Interrupts again where Python had to ignore a KeyboardInterrupt.

    An exception in `__del__`, or in a callback of a C library, does not reach the program: Python reports it to
    `sys.unraisablehook` and continues.
    """
    before = sys.unraisablehook

    def interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            timer = Timer(SECONDS_TO_INTERRUPT_AGAIN, interrupt_main)
            timer.daemon = True
            timer.start()
        else:
            before(unraisable)

    sys.unraisablehook = interrupt_again
    try:
        yield
    finally:
        sys.unraisablehook = before
