"""Atomic writing of files and folders: written beside, then renamed, on the same file system."""

from __future__ import annotations

import csv
import json
import os
import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import filelock
import platformdirs

from ssltoolbox.api import SslToolboxError, UserError

LOCK = ".lock"
CACHE = "SSLTOOLBOX_CACHE"
"""Environment variable: the folder for files that runs share, instead of the user's cache folder."""


def cache_folder(name: str) -> Path:
    """The folder for files of this kind that runs share."""
    given = os.environ.get(CACHE)
    return (Path(given) if given else platformdirs.user_cache_path("ssltoolbox")) / name


def beside(path: Path) -> Path:
    """The path where `path` is written before it is renamed.

    >>> beside(Path("data/vox1.index")).as_posix()
    'data/.vox1.index.part'
    """
    return path.with_name(f".{path.name}.part")


def own_name() -> str:
    """A name for files of this process alone: other machines may write to the same folder."""
    return f"{socket.gethostname()}-{os.getpid()}"


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Around what writes a file.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    try:
        yield
    except OSError as error:
        raise SslToolboxError(f"can't write {path}: {error.strerror or error}") from error


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """Gives a path to write to, and renames it to `path` at the end, if no exception was raised.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    part = beside(path)
    with writing(path):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            yield part
            os.replace(part, path)
        except BaseException:
            with suppress(OSError):
                part.unlink()
            raise


def write_bytes(path: Path, content: bytes) -> None:
    """
    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    with replaced(path) as beside:
        beside.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Writes UTF-8. Bytes of file names that are not UTF-8 are escaped, `\\udcff`. Line endings stay."""
    write_bytes(path, _as_bytes(text))


def write_json(path: Path, value: Any) -> None:
    """Writes indented JSON; NaN raises an error, because JSON does not know it."""
    write_bytes(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """What `write_json` writes."""
    return _as_bytes(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def _as_bytes(text: str) -> bytes:
    return text.encode("utf-8", errors="backslashreplace")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Writes a table, comma-separated in UTF-8."""
    with replaced(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


@contextmanager
def writing_to(folder: Path) -> Iterator[None]:
    """Around what makes or changes a folder that the user has named.

    Raises:
        UserError: if the folder can't be written to.
    """
    try:
        yield
    except OSError as error:
        raise UserError(f"can't write to {folder}: {error.strerror or error}") from error


@contextmanager
def locked(folder: Path, lock: str = LOCK, part: str = "", timeout: float = 0) -> Iterator[None]:
    """Makes a folder and locks it against other processes; the lock ends with the process.

    Args:
        lock: name of the lock's file.
        part: what the lock is for, if not for the whole folder; for the message.
        timeout: seconds to wait for a process that has the lock.

    Raises:
        UserError: if another process has the lock, or the folder can't be written to.
    """
    file = filelock.FileLock(folder / lock)
    with writing_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        try:
            file.acquire(timeout=timeout)
        except filelock.Timeout as error:
            what = f"{folder}: {part}" if part else f"{folder}"
            raise UserError(f"{what} is in use by another process") from error
    try:
        yield
    finally:
        file.release()


def in_use(folder: Path) -> bool:
    """True if a process has locked the folder."""
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
    """Renames a finished folder that this process has locked."""
    os.unlink(work / LOCK)
    os.rename(work, output)
