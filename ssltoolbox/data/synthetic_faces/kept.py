"""A cache of drawn frames that all workers share: each frame is drawn once in a run."""

from __future__ import annotations

import mmap
import multiprocessing
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]


class KeptFrames:
    """Records by number, made at first use and then kept.

    Forked processes share the memory, and so the records.

    Args:
        count: the most records; memory pages without a record are never allocated.
        record: type of a record.
    """

    def __init__(self, count: int, record: np.dtype[np.void]) -> None:
        # Not multiprocessing.shared_memory, whose file system is small in most containers.
        memory = mmap.mmap(-1, count * (record.itemsize + 1))
        self._is_kept = np.frombuffer(memory, np.bool_, count)
        self._records = np.frombuffer(memory, record, count, offset=count)
        # The lock makes a record visible before its flag.
        self._lock = multiprocessing.Lock()

    def __call__(self, numbers: NDArray[np.int64], make: Callable[[NDArray[np.int64]], Records]) -> Records:
        """[len(numbers)] copies of the records; `make` gives the missing ones, in the order of its argument."""
        with self._lock:
            missing = np.unique(numbers[~self._is_kept[numbers]])
        made = make(missing) if len(missing) else None
        with self._lock:
            if made is not None:
                self._records[missing] = made
                self._is_kept[missing] = True
            return self._records[numbers]
