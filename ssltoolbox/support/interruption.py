"""A user or a scheduler stops the work: Ctrl-C, SIGTERM, SIGHUP, SIGUSR1 or SIGUSR2."""

from __future__ import annotations

import signal
import sys
from _thread import interrupt_main
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer, current_thread, get_ident, main_thread

SECONDS_TO_INTERRUPT_AGAIN = 0.1
STOP_SIGNALS = tuple(
    signal.Signals[name]
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if name in signal.Signals.__members__  # Windows has two of them
)
"""Signals that stop the work: of a user, of a terminal that is gone, of a scheduler.

SLURM sends its notice, SIGUSR1 or the SIGUSR2 of submitit, to all processes of a job step.
"""


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
    """Interrupts again where Python had to ignore a KeyboardInterrupt; for the main thread.

    An exception in `__del__`, or in a callback of a C library, does not reach the program: Python reports it to
    `sys.unraisablehook` and continues.
    """
    hook, on_sigint = sys.unraisablehook, signal.getsignal(signal.SIGINT)
    thread, timers = get_ident(), list[Timer]()

    def interrupt_again(unraisable: sys.UnraisableHookArgs) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            _heed_sigint()
            timers.append(Timer(SECONDS_TO_INTERRUPT_AGAIN, _interrupt, [thread]))
            timers[-1].daemon = True
            timers[-1].start()
        else:
            hook(unraisable)

    sys.unraisablehook = interrupt_again
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        sys.unraisablehook = hook
        if timers and on_sigint is not None:
            signal.signal(signal.SIGINT, on_sigint)


def _heed_sigint() -> None:
    """SIGINT is ignored in a background job of a shell script, for example."""
    if current_thread() is main_thread() and not callable(signal.getsignal(signal.SIGINT)):
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(thread: int) -> None:
    """As Ctrl-C does. `interrupt_main` would not end a wait of the main thread, but Windows has nothing else."""
    if hasattr(signal, "pthread_kill"):
        signal.pthread_kill(thread, signal.SIGINT)
    else:
        interrupt_main()
