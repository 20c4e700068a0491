"""A loader whose workers fail as everything else does: with the error as it was raised, and an end."""

from __future__ import annotations

import pickle
import signal
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from torch.utils.data import DataLoader, get_worker_info
from torch.utils.data import Dataset as TorchDataset

T = TypeVar("T")


class Loader(DataLoader[T]):
    """Raises here what `Fetched` met in a worker.

    torch would raise an error of the same type whose text is the worker's traceback, and whose own traceback
    keeps the other workers alive: they wait for work, and this process for them.
    """

    def __iter__(self) -> Iterator[T]:  # type: ignore[override]
        for item in super().__iter__():
            if isinstance(item, _Failure):
                raise item.error
            yield item


class Fetched(TorchDataset[T]):
    """A dataset that is a function of what a sampler gives; for a `Loader`."""

    def __init__(self, fetch: Callable[[Any], T], length: int) -> None:
        self.fetch, self.length = fetch, length

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: Any) -> T | _Failure:  # type: ignore[override]
        if get_worker_info() is None:
            return self.fetch(key)
        try:
            return self.fetch(key)
        except Exception as error:
            return _Failure(_portable(error))

    __getitems__ = __getitem__


@dataclass(frozen=True)
class _Failure:
    """What came of a batch in its place."""

    error: Exception


def _portable(error: Exception) -> Exception:
    """The error, or one like it where it can't be sent to another process; its traceback is a note to it."""
    note = f"In a loader's worker:\n{traceback.format_exc()}"
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        error = RuntimeError(f"{type(error).__name__}: {error}")
    error.add_note(note)
    return error


def leave_signals_to_the_main_process(_: int) -> None:
    """Signals may reach every process of a run; a worker that died of one would fail the last step."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
