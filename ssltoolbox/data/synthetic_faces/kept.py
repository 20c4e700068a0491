"""Drawn frames kept in memory: each is drawn once in a run, by whichever worker is first asked for it."""

from __future__ import annotations

import mmap
import multiprocessing
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]


class KeptFrames:
    """Records of one type by number, made when they are first asked for and kept from then on.

    Processes that are forked from this one share the memory, and each other's records with it.

    Args:
        count: how many there may be; pages of memory that no record lies on are never taken.
        record: the type of one.
    """

    def __init__(self, count: int, record: np.dtype[np.void]) -> None:
        # Not multiprocessing.shared_memory: its file system is small in most containers.
        memory = mmap.mmap(-1, count * (record.itemsize + 1))
        self._is_kept = np.frombuffer(memory, np.bool_, count)
        self._records = np.frombuffer(memory, record, count, offset=count)
        # A process that sees that a record is there must see what is in it too.
        self._lock = multiprocessing.Lock()

    def __call__(self, numbers: NDArray[np.int64], make: Callable[[NDArray[np.int64]], Records]) -> Records:
        """[len(numbers)] copies of the records; `make` gives those that are missing, in the order it is asked."""
        with self._lock:
            missing = np.unique(numbers[~self._is_kept[numbers]])
        made = make(missing) if len(missing) else None
        with self._lock:
            if made is not None:
                self._records[missing] = made
                self._is_kept[missing] = True
            return self._records[numbers]
