"""Interruptions that Python had to ignore."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from ssltoolbox.support.interruption import no_interruption_lost


@pytest.fixture(autouse=True)
def _handler_of_sigint() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


def interrupt_in_del() -> threading.Thread:
    """Reports a KeyboardInterrupt as Python does for one in `__del__`, and gives the thread that waits."""
    before = set(threading.enumerate())
    sys.unraisablehook(SimpleNamespace(exc_type=KeyboardInterrupt))  # type: ignore[arg-type]
    (waiting,) = set(threading.enumerate()) - before
    return waiting


def test_nothing_interrupts_after_the_work() -> None:
    interruptions: list[int] = []
    signal.signal(signal.SIGINT, lambda number, _: interruptions.append(number))
    with no_interruption_lost():
        waiting = interrupt_in_del()
    waiting.join(timeout=60)
    assert not interruptions


def test_an_ignored_sigint_is_heeded_only_during_the_work() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def work() -> None:
        with no_interruption_lost():
            interrupt_in_del()
            threading.Event().wait(timeout=60)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
