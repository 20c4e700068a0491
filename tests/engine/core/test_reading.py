"""An error in a loader's worker is the one that was raised, and no worker outlives the loader."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest
import torch

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.engine.core.reading import Fetched, Loader, _deaths_explained, _Parcel, _unless_nobody_listens


class CanNotTravel(Exception):
    """Not to be made again from its text alone."""

    def __init__(self, one: int, other: int) -> None:
        super().__init__(f"{one} and {other}")


ERRORS = [UserError("wrong", "do that"), SslToolboxError("it failed"), KeyError("a"), CanNotTravel(1, 2)]


def number(key: int) -> Any:
    if key == 24:
        return lambda: key
    if key == 25:
        os.kill(os.getpid(), signal.SIGBUS)
    if key >= 20:
        raise ERRORS[key - 20]
    return key * key


def numbers(keys: list[int]) -> list[Any]:
    return [number(key) for key in keys]


def of(keys: list[int], workers: int) -> Iterator[Any]:
    return iter(
        Loader(
            Fetched(number, 30),
            batch_size=None,
            sampler=keys,
            num_workers=workers,
        )
    )


def none_is_left() -> bool:
    """Whether all workers end within a time that none of them needs."""
    until = time.monotonic() + 60
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.01)
    return not multiprocessing.active_children()


@pytest.mark.parametrize("workers", [0, 2])
def test_numbers_are_fetched_in_order_by_any_number_of_workers(workers: int) -> None:
    assert list(of([3, 1, 2], workers)) == [9, 1, 4]
    loader = Loader(Fetched(numbers, 30), batch_sampler=[[1, 2], [3]], num_workers=workers)
    assert list(loader) == [[1, 4], [9]]


def test_a_dead_worker_interrupts_nothing_but_the_wait_for_its_batch() -> None:
    fetched = Fetched(number, 30)
    items = iter(Loader(fetched, batch_size=None, sampler=[2, 25], num_workers=1, prefetch_factor=1))
    assert next(items) == 4
    assert none_is_left()
    with pytest.raises(SslToolboxError, match=r"worker.*Bus error"):
        next(items)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("place", range(3))
def test_an_error_is_as_it_was(place: int, workers: int) -> None:
    error = ERRORS[place]
    found = of([1, 20 + place, *range(8)], workers)
    assert next(found) == 1
    with pytest.raises(type(error)) as caught:
        next(found)
    assert str(caught.value) == str(error)
    assert getattr(caught.value, "hint", "") == getattr(error, "hint", "")
    if workers:
        (note,) = caught.value.__notes__
        assert note.startswith("In a loader's worker:\nTraceback (most recent call last):\n")
        assert "in number" in note


def test_an_error_that_can_not_be_sent() -> None:
    with pytest.raises(RuntimeError) as caught:
        list(of([23], 1))
    assert str(caught.value) == "CanNotTravel: 1 and 2"
    assert "in number" in caught.value.__notes__[0]


def test_a_batch_that_can_not_be_sent() -> None:
    """Nobody waits for it."""
    with pytest.raises(Exception, match="pickle") as caught:
        list(of([1, 24, 2], 2))
    assert "in __getitem__" in caught.value.__notes__[0]


def test_a_worker_that_dies_by_a_file_cut_short() -> None:
    with pytest.raises(SslToolboxError) as caught:
        list(of([1, 25, 2], 2))
    assert "Bus error" in str(caught.value)
    assert "cut short" in str(caught.value)
    assert "/dev/shm" in str(caught.value)
    assert none_is_left()


def tensor(key: int) -> torch.Tensor:
    return torch.full((64,), key)


def test_a_worker_that_dies_before_its_batch_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory of a batch is handed over by the worker that made it."""
    opened = _Parcel.opened

    def opened_too_late(parcel: _Parcel[Any]) -> Any:
        for worker in multiprocessing.active_children():
            worker.kill()
            worker.join()
        return opened(parcel)

    monkeypatch.setattr(_Parcel, "opened", opened_too_late)
    with pytest.raises(SslToolboxError) as caught:
        list(Loader(Fetched(tensor, 30), batch_size=None, sampler=[1, 2], num_workers=1))
    assert "worker" in str(caught.value)
    assert "Killed" in str(caught.value)
    assert none_is_left()


def close_files_and_die() -> None:
    os.closerange(0, 256)
    time.sleep(0.2)
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_worker_whose_files_are_closed_before_it_is_dead() -> None:
    """As in the kernel, where a connection breaks a little before the process has an exit code."""
    worker = multiprocessing.get_context("fork").Process(target=close_files_and_die)
    worker.start()
    with pytest.raises(SslToolboxError, match="Killed"), _deaths_explained([worker]):
        raise ConnectionResetError


def broken_connection(key: int) -> int:
    raise ConnectionResetError(key)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_broken_connection_of_the_data_is_no_death(workers: int) -> None:
    with pytest.raises(ConnectionResetError):
        list(Loader(Fetched(broken_connection, 30), batch_size=None, sampler=[1], num_workers=workers))


@pytest.mark.parametrize(
    ("error", "kept"), [(EOFError(), False), (ConnectionResetError(), False), (OSError(), True)]
)
def test_the_end_of_the_main_process_is_no_news(error: Exception, kept: bool, capsys: Any) -> None:
    """Threads of a worker that hand out shared memory would print a traceback."""
    _unless_nobody_listens(type(error), error, None)
    assert bool(capsys.readouterr().err) is kept


def test_no_worker_is_left_behind() -> None:
    """While the error is still held, and though workers pay no heed to being asked to end."""
    with pytest.raises(KeyError) as caught:
        list(of([22, *range(8)], 2))
    assert caught.value.__traceback__
    assert none_is_left()
    found = of(list(range(8)), 2)
    assert next(found) == 0
    del found
    assert none_is_left()
