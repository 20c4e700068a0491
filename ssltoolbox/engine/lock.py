"""One process at a time in a folder; the system frees the lock however that process ends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from ssltoolbox.api import UserError

LOCK = ".lock"


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder, and keeps other processes out.

    Raises:
        UserError: when another process is at work here, or the folder can't be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / LOCK)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise UserError(f"{folder} is in use by another process") from error
    except OSError as error:
        raise UserError(f"can't write to {folder}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def in_use(folder: Path) -> bool:
    """True while a process is at work in the folder."""
    if not (folder / LOCK).exists():
        return False
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except filelock.Timeout:
        return True
    lock.release()
    return False
