"""What the memory allocator does with freed memory."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Parameters of glibc's `mallopt`."""
_LARGEST_BLOCK, _KEPT = 32 * 2**20, 64 * 2**20
"""Their values: the most that glibc raises them to by itself."""
CHOSEN_BY_USER = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Variables by which a user says what the allocator keeps."""


def reuse_freed_memory(env: Mapping[str, str] = os.environ) -> None:
    """Has glibc keep up to 64 MiB of freed memory, for the tensors of the next batch.

    By itself glibc keeps twice the largest block. A small network frees many small blocks after each batch, so the
    system would take their memory back, and clear it for the next batch. benchmarks/RESULTS.md has the time that
    it would take. Other allocators stay as they are.

    Args:
        env: the environment variables. What the user has set there stays.
    """
    if sys.platform != "linux" or any(name in env for name in CHOSEN_BY_USER):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        mallopt(_TRIM_THRESHOLD, _KEPT)
