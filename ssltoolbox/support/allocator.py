"""What the memory allocator does with freed memory."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping

_MMAP_THRESHOLD, _TRIM_THRESHOLD = -3, -1
"""Parameters of glibc's `mallopt`."""
_BLOCK, _KEPT = 256 * 2**20, 512 * 2**20
_BLOCK_OF_OLD_GLIBC = 32 * 2**20
"""Their values. What is larger returns to the system at once. Old versions of glibc accept at most 32 MiB for a
block."""
CHOSEN_BY_USER = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES")
"""Variables by which a user says what the allocator keeps."""


def reuse_freed_memory(env: Mapping[str, str] = os.environ) -> None:
    """Has glibc keep up to 512 MiB of freed memory, for the tensors of the next batch.

    By itself glibc keeps no block above 32 MiB, and at most twice the largest block that it has kept. The features
    of a batch may be larger, and a small network frees many small blocks after each batch. Then the system takes
    their memory back, and clears it for the next batch. benchmarks/RESULTS.md has the time that this would take.
    Other allocators stay as they are.

    Args:
        env: the environment variables. What the user has set there stays.
    """
    if sys.platform != "linux" or any(name in env for name in CHOSEN_BY_USER):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt:
        mallopt(_MMAP_THRESHOLD, _BLOCK) or mallopt(_MMAP_THRESHOLD, _BLOCK_OF_OLD_GLIBC)
        mallopt(_TRIM_THRESHOLD, _KEPT)
