"""Python's garbage collector, while libraries are imported."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_paused() -> Iterator[None]:
    """Pauses the garbage collector, for the import of large libraries.

    Importing torch and what belongs to it makes a million objects that stay. The collector would visit all of them
    many times over, and find no garbage. benchmarks/RESULTS.md has the time that it would take.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
