"""Arrays in temporary files: the system takes their memory back when it needs it."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from mmap import mmap
from pathlib import Path
from tempfile import TemporaryFile, gettempdir

import numpy as np
import numpy.typing as npt

from ssltoolbox.support.files import writing

PART = 2**16
"""Elements that are looked at together."""


def large_array(shape: int | tuple[int, ...], kind: npt.DTypeLike) -> np.ndarray:
    """Zeros. An array of more than `PART` elements is in a temporary file, which ends with the array.

    Raises:
        SslToolboxError: when the disk is full.
    """
    size = prod(shape) if isinstance(shape, tuple) else shape
    if size <= PART:
        return np.zeros(shape, kind)
    with writing(Path(gettempdir())), TemporaryFile() as file:
        # A sparse file would end the process where the disk gets full later.
        for part in parts_of(size):
            file.write(np.zeros(part.stop - part.start, kind).tobytes())
        file.flush()
        return np.frombuffer(mmap(file.fileno(), 0), kind).reshape(shape)


def parts_of(length: int) -> Iterator[slice]:
    """The parts that a large array is looked at in, one after another."""
    return (slice(start, min(start + PART, length)) for start in range(0, length, PART))
