"""A data loader that raises the original exception of a worker, and stops its workers."""

from __future__ import annotations

import pickle
import re
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from threading import current_thread, main_thread
from types import TracebackType
from typing import Any, Generic, TypeVar

from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

from ssltoolbox.api import SslToolboxError
from ssltoolbox.engine.core.shared_memory import is_full, shared_memory_error
from ssltoolbox.support.interruption import STOP_SIGNALS
from ssltoolbox.support.workers import CAUSES, signal_of

T = TypeVar("T")


class Loader(DataLoader[T]):
    """Gives the items of `Fetched`, and raises in this process the exception that it has caught in a worker.

    torch's own loader would raise an exception whose message is the worker's traceback. That exception also keeps
    references to the other workers, so that they and this process would wait for each other.
    """

    def __init__(self, fetched: Fetched[T], *, num_workers: int = 0, **options: Any) -> None:
        """Like torch's, with a start of the workers and a `collate_fn` of its own."""
        begin = begin_worker if num_workers else None
        super().__init__(
            fetched, num_workers=num_workers, worker_init_fn=begin, collate_fn=_as_it_is, **options
        )

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]
        with _sigchld_handler_kept():
            found = super().__iter__()
        workers: list[BaseProcess] = getattr(found, "_workers", [])
        try:
            with _deaths_explained(workers):
                for item in found:
                    if isinstance(item, _Parcel):
                        item = item.opened()
                    if isinstance(item, _Failure):
                        raise item.error
                    yield item
        finally:
            if workers:
                _end(found, workers)


def _end(found: Any, workers: Iterable[BaseProcess]) -> None:
    """Ends the workers, for which this process would wait when it ends.

    torch does so when nothing holds the iterator any more, as an error may, by SIGTERM, which they ignore.
    """
    found._shutdown_workers()
    for worker in workers:
        worker.kill()


class Fetched(TorchDataset[T]):
    """A dataset that calls a function with what the sampler gives; for a `Loader`."""

    def __init__(self, fetch: Callable[[Any], T], length: int) -> None:
        self.fetch, self.length = fetch, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Any) -> T | _Parcel[T] | _Failure:  # type: ignore[override]
        if get_worker_info() is None:
            return self.fetch(key)
        try:
            return _Parcel.of(self.fetch(key))
        except Exception as error:
            return _Failure(_portable(shared_memory_error() if is_full(error) else error))

    __getitems__ = __getitem__


def _as_it_is(item: Any) -> Any:
    return item


@dataclass(frozen=True)
class _Parcel(Generic[T]):
    """A batch on its way from a worker, its tensors in shared memory.

    torch would put them there in a thread, and forget the batch where that fails: the loader would wait for it for
    ever.
    """

    content: bytes

    @classmethod
    def of(cls, item: T) -> _Parcel[T]:
        """Called in the worker."""
        return cls(bytes(ForkingPickler.dumps(item)))

    def opened(self) -> T:
        """Once, in the process that the worker works for."""
        item: T = pickle.loads(self.content)
        return item

    def pin_memory(self) -> Any:
        """Called by torch's thread that copies batches to page-locked memory."""
        from torch.utils.data._utils.pin_memory import pin_memory

        return pin_memory(self.opened())


@dataclass(frozen=True)
class _Failure:
    """The exception that a worker sends instead of a batch."""

    error: Exception


def _portable(error: Exception) -> Exception:
    """The error with its traceback as a note; a `RuntimeError` with its message if it can't be pickled."""
    note = f"In a loader's worker:\n{traceback.format_exc()}"
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


def begin_worker(_: int) -> None:
    """Leaves signals to the main process, and keeps the terminal free of what the end of that process causes.

    Signals may reach every process of a run; a worker that died of one would fail the last step.
    """
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.excepthook = _unless_nobody_listens


def _unless_nobody_listens(
    kind: type[BaseException], error: BaseException, where: TracebackType | None
) -> None:
    """The thread that hands out shared memory reports here that the process which asked for some has gone."""
    if not isinstance(error, EOFError | ConnectionError):
        sys.__excepthook__(kind, error, where)


@contextmanager
def _sigchld_handler_kept() -> Iterator[None]:
    """Takes back the handler of SIGCHLD that torch sets when it starts workers.

    It raises an error wherever this process is when a worker dies: in a `__del__`, for example, where the error
    is lost, or in an object's `__init__`, whose half-built object then fails in its `__del__`. Without it torch
    finds a dead worker in the wait for the next batch.
    """
    may_set = current_thread() is main_thread() and hasattr(signal, "SIGCHLD")
    before = signal.getsignal(signal.SIGCHLD) if may_set else None
    try:
        yield
    finally:
        if before is not None:
            signal.signal(signal.SIGCHLD, before)


A_MOMENT = 5.0
"""Seconds to wait for the exit code of a worker whose connection is broken."""
_DEATH = re.compile(r"DataLoader worker \(pid\(s\) (?P<pid>\d+)")


@contextmanager
def _deaths_explained(workers: Sequence[BaseProcess]) -> Iterator[None]:
    """Explains the death of a loader's worker in one line.

    Raises:
        SslToolboxError: instead of torch's error.
    """
    try:
        yield
    except RuntimeError as error:
        death = _DEATH.match(str(error))
        if death is None:
            raise
        pid = int(death["pid"])
        raise _death(pid, _signal_of(pid, workers)) from error
    except (ConnectionError, EOFError, FileNotFoundError) as error:
        # The worker died after it had sent a batch, and before this process had taken the batch's memory over.
        ended = wait([worker.sentinel for worker in workers], timeout=A_MOMENT)
        for worker in workers:
            if worker.sentinel in ended:
                worker.join(A_MOMENT)  # its files are closed a little before it has an exit code
        dead = next((worker for worker in workers if worker.exitcode), None)
        if dead is None:
            raise
        raise _death(dead.pid, signal_of(dead)) from error


def _death(pid: int | None, how: str) -> SslToolboxError:
    cause = f": {CAUSES[how]}" if how in CAUSES else ""
    advice = "; fewer trainer.workers need less" if how == "Killed" else ""
    return SslToolboxError(
        f"a worker of the loader has died (process {pid}, {how or 'no signal'}){cause}{advice}"
    )


def _signal_of(pid: int, workers: Iterable[BaseProcess]) -> str:
    """The name of the signal that ended a worker; empty if none did."""
    return next((signal_of(worker) for worker in workers if worker.pid == pid), "")
