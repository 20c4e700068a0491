"""The folder that the paths of images are below, on this machine or on remote storage."""

from __future__ import annotations

import io
import os
from functools import cached_property
from pathlib import Path
from typing import IO

from ssltoolbox.api import DataNotFound, UnreadableFrame, UserError
from ssltoolbox.support.paths import Root, printable
from ssltoolbox.support.remote import RemoteFile, RemoteFolder


class ImageRoot:
    """A folder of images, or of tar files with images. Nothing outside of it is read.

    Attributes:
        place: the folder.
        follow_links: whether links may lead out of it; storage has no links.
    """

    def __init__(self, place: Path | RemoteFolder, follow_links: bool = False) -> None:
        self.place = place
        self.follow_links = follow_links

    def __reduce__(self) -> tuple[type[ImageRoot], tuple[Path | RemoteFolder, bool]]:
        return ImageRoot, (self.place, self.follow_links)

    def __str__(self) -> str:
        """The folder, for messages."""
        return self.place.url if isinstance(self.place, RemoteFolder) else printable(self.place)

    def full(self, path: str) -> str:
        """A path below the root as a path on this machine, or as a URL."""
        if isinstance(self.place, RemoteFolder):
            return f"{self.place.url}/{path}"
        return os.path.join(self.place, path)

    def holds(self, path: str) -> bool:
        """Whether a path stays below the root when links and `..` are followed."""
        if "\0" in path:
            return False
        if isinstance(self.place, RemoteFolder):
            return not os.path.isabs(path) and ".." not in path.split("/")
        return self._home.holds(self.full(path))

    def exists(self) -> bool:
        """Whether the folder is there; True for one on remote storage, which reading it tells."""
        return isinstance(self.place, RemoteFolder) or self.place.is_dir()

    def content(self, path: str) -> IO[bytes] | None:
        """What a file on remote storage has; None for one on this machine, which is not read yet.

        Raises:
            UnreadableFrame: where it is not on the storage.
            UserError: where the storage can't be read.
        """
        if isinstance(self.place, Path):
            return None
        try:
            return io.BytesIO(self.place.content(path))
        except DataNotFound as error:
            raise UnreadableFrame(f"{printable(self.full(path))}: there is no such file") from error

    def local(self, path: str) -> str:
        """The path of a file on this machine: for one on remote storage, of a copy in the cache.

        Raises:
            DataNotFound: where it is not on the storage.
            UserError: where the storage can't be read.
        """
        if isinstance(self.place, Path):
            return self.full(path)
        return os.path.join(self.place.copied([path]), path)

    def file(self, path: str) -> LocalFile | RemoteFile:
        """A file, to read parts of it.

        Raises:
            DataNotFound: where it is not there.
            UserError: where it can't be read.
        """
        return self.place.file(path) if isinstance(self.place, RemoteFolder) else LocalFile(self.full(path))

    @cached_property
    def _home(self) -> Root:
        assert isinstance(self.place, Path)
        return Root(self.place, self.follow_links)


class LocalFile:
    """A file on this machine, opened whenever it is read: thousands may be known at the same time.

    Attributes:
        size: in bytes, when it was first looked at.
    """

    def __init__(self, path: str) -> None:
        """
        Raises:
            DataNotFound: where it is not there.
        """
        self._path = path
        try:
            self.size = os.stat(path).st_size
        except OSError as error:
            raise DataNotFound(f"{printable(path)}: {error.strerror}") from error

    def read_at(self, length: int, offset: int) -> bytes:
        """Bytes from an offset, fewer at the end of the file.

        Raises:
            UserError: where it can't be read.
        """
        try:
            with open(self._path, "rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise UserError(f"{printable(self._path)}: {error.strerror}") from error
