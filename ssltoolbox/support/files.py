"""Files and folders that are whole or not there: written beside, then renamed, on the same file system."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock

from ssltoolbox.api import SslToolboxError, UserError

LOCK = ".lock"


def beside(path: Path) -> Path:
    """Where `path` is written until it is whole.

    >>> beside(Path("data/vox1.index")).as_posix()
    'data/.vox1.index.part'
    """
    return path.with_name(f".{path.name}.part")


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Gives a path to write to; what lies there takes the place of `path` when all went well.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    part = beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except BaseException as error:
        with suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise SslToolboxError(f"can't write {path}: {error.strerror or error}") from error
        raise


def write_bytes(path: Path, content: bytes) -> None:
    """
    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    with replaced(path) as beside:
        beside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8; bytes of file names that were none as JSON has them, `\\udcff`. Line ends stay as they are."""
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_json(path: Path, value: Any) -> None:
    """Writes JSON that a person can read; NaN is refused rather than written as no JSON knows it."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table, comma-separated in UTF-8."""
    with replaced(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes a folder and keeps other processes out of it; the system frees the lock however this one ends.

    Raises:
        UserError: when another process is at work there, or it can't be written to.
    """
    lock = filelock.FileLock(folder / LOCK)
    try:
        folder.mkdir(parents=True, exist_ok=True)
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


def appear(work: Path, output: Path) -> None:
    """Renames a folder that is whole and locked by this process."""
    os.unlink(work / LOCK)
    os.rename(work, output)
