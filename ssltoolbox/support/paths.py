"""Paths: printing, missing and rejected paths, and checks that a path is inside a root."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from ssltoolbox.api import DataNotFound, UserError, is_url

NOT_UTF8 = "its name is not UTF-8"
RENAME = "rename it"

NOT_SUPPORTED = "URLs are not supported"
ADVICE = "name a path on this machine, such as where the storage is mounted"


def printable(path: str | os.PathLike[str]) -> str:
    r"""The path for a message: line breaks, control characters and bytes that are not UTF-8 are escaped.

    >>> print(printable("a b\n.jpg"))
    a b\n.jpg
    """
    text = os.fspath(path)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def is_utf8(path: str | os.PathLike[str]) -> bool:
    """Whether a path has no bytes that are not UTF-8."""
    try:
        os.fspath(path).encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def refuse_no_utf8(path: Path) -> None:
    """Rejects names that Arrow, FFmpeg and headers of indexes can't represent.

    Raises:
        UserError: for a path with bytes that are not UTF-8.
    """
    if not is_utf8(path):
        raise UserError(f"{printable(path)}: {NOT_UTF8}", RENAME)


def refuse_url(path: str | os.PathLike[str]) -> None:
    """
    Raises:
        UserError: for a URL.
    """
    if is_url(path):
        raise UserError(f"{os.fspath(path)}: {NOT_SUPPORTED}", ADVICE)


def needed_folder(path: Path, what: str) -> Path:
    """The path of a folder that must exist.

    Raises:
        DataNotFound: names the missing folder and its expected content.
    """
    if not path.is_dir():
        raise DataNotFound(f"{printable(path)}: there is no such folder", f"it should hold {what}")
    return path


def needed_file(path: Path, what: str) -> Path:
    """The path of a file that must exist.

    Raises:
        DataNotFound: names the missing file and its expected content.
    """
    if not path.is_file():
        raise DataNotFound(f"{printable(path)}: there is no such file", f"it should be {what}")
    return path


class Root:
    """A folder outside of which nothing is read.

    Results for folders are cached, because all frames of a clip are in one folder.

    Attributes:
        path: the folder.
        follow_links: whether links may lead out of it.
    """

    def __init__(self, path: Path, follow_links: bool = False) -> None:
        """
        Args:
            path: the folder.
            follow_links: count what a link in it leads to as inside; `..` and absolute paths never are.
        """
        self.path = path
        self.follow_links = follow_links
        self._real = os.path.realpath(path)
        self._holds_folder = lru_cache(maxsize=4096)(self._look_at_folder)

    def __reduce__(self) -> tuple[type[Root], tuple[Path, bool]]:
        return Root, (self.path, self.follow_links)

    def holds(self, path: str) -> bool:
        """Whether a file lies below the root when links and `..` are followed."""
        if self.follow_links:
            return os.path.normpath(path).startswith(os.path.join(os.path.normpath(self.path), ""))
        folder, name = os.path.split(path)
        if name in ("", ".", "..") or os.path.islink(path):
            return self._is_above(os.path.realpath(path))
        return self._holds_folder(folder)

    def _look_at_folder(self, folder: str) -> bool:
        real = os.path.realpath(folder)
        return real == self._real or self._is_above(real)

    def _is_above(self, real: str) -> bool:
        return real.startswith(os.path.join(self._real, ""))
