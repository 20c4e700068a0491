"""Work goes on where a process dies."""

from __future__ import annotations

import os
import signal

import pytest

from ssltoolbox.api import SslToolboxError
from ssltoolbox.support.workers import as_done


def square(number: int) -> int:
    """Three is more than a process can bear."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def unknown(number: int) -> int:
    return -number


@pytest.mark.slow
def test_a_task_that_kills_its_process_costs_no_other() -> None:
    done = as_done(square, [(number,) for number in range(6)], 2, died=unknown)
    assert sorted(done) == [-3, 0, 1, 4, 16, 25]


def signalled(name: str) -> bool:
    """What a scheduler or a closed terminal sends to every process of a group."""
    os.kill(os.getpid(), getattr(signal, name))
    return True


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2"])
def test_signals_are_for_the_first_process(name: str) -> None:
    assert list(as_done(signalled, [(name,)] * 4, 2)) == [True] * 4


@pytest.mark.slow
def test_it_is_an_error_where_nobody_has_an_answer_for_it() -> None:
    done = as_done(square, [(number,) for number in range(6)], 2)
    with pytest.raises(SslToolboxError, match=r"Killed.*memory"):
        list(done)


def read_past_the_end(_: int) -> None:
    """What the system answers to that."""
    os.kill(os.getpid(), signal.SIGBUS)


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGBUS"), reason="there is no such signal")
def test_a_file_that_was_cut_short_under_a_process_is_named_as_the_cause() -> None:
    with pytest.raises(SslToolboxError, match=r"Bus error.*cut short"):
        list(as_done(read_past_the_end, [(0,), (1,)], 2))
