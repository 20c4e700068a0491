"""Folders on remote storage: whole files are copied to a local cache, large files are read by ranges.

Such a folder is made on this machine, and copied to the storage when it is complete.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from filelock import FileLock

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.support.files import beside, cache_folder, write_bytes

BLOCK = 2**20
"""Bytes of a part of a remote file that is read and cached at once. A clip's packed frames are about as large."""
INSTALL = "install: pip install 'ssltoolbox[remote]'"


@dataclass(frozen=True)
class RemoteCache:
    """A folder on this machine for what is read of remote storage.

    Attributes:
        path: the folder; processes may share it. Without one, it is in the user's cache folder.
        limit: the most bytes of file parts that it holds.
    """

    path: Path | None = None
    limit: int = 2**30

    def folder(self, url: str) -> RemoteFolder:
        """A folder on remote storage that uses the cache."""
        return RemoteFolder(url, self.path or cache_folder("remote"), self.limit)


class RemoteFolder:
    """A folder on remote storage that fsspec can read, with a local cache. Pickling it pickles its arguments.

    A file that changes on the storage has a new version, so cached content is never out of date.

    Attributes:
        url: the folder's URL, without a slash at its end.
    """

    def __init__(self, url: str, cache: Path, limit: int = 2**30) -> None:
        """
        Args:
            url: of the folder, such as `s3://bucket/faces.index`.
            cache: a local folder for what was read; processes may share it.
            limit: the most bytes of file parts that the cache holds. Whole files are not counted.
        """
        self.url = url.rstrip("/")
        self._cache, self._limit = cache, limit

    def __str__(self) -> str:
        return self.url

    def __reduce__(self) -> tuple[type[RemoteFolder], tuple[str, Path, int]]:
        return RemoteFolder, (self.url, self._cache, self._limit)

    def copied(self, names: Sequence[str]) -> Path:
        """A local folder with copies of those of the files that exist.

        Raises:
            DataNotFound: if none of them exists.
            UserError: if the storage can't be read.
        """
        with self._reading():
            versions = {name: self._version(name, info) for name in names if (info := self._info(name))}
        if not versions:
            raise DataNotFound(f"{self.url}: there is no such folder, or it has none of {', '.join(names)}")
        folder = self._cache / "files" / _digest(self.url, *versions.items())
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):  # another process of the run may be copying
            if not folder.exists():
                part = beside(folder)
                for name in versions:
                    with self._reading():
                        content = self._system.cat_file(self._path(name))
                    write_bytes(part / name, content)
                part.rename(folder)
        return folder

    def names(self) -> list[str]:
        """The paths below it of all files in it and in its folders.

        Raises:
            DataNotFound: if there are none.
            UserError: if the storage can't be read.
        """
        if found := self.names_in(""):
            return found
        raise DataNotFound(f"{self.url}: there is no such folder, or it is empty")

    def names_in(self, folder: str) -> list[str]:
        """The paths below the root of all files in one of its folders; none if there is no such folder.

        Raises:
            UserError: if the storage can't be read.
        """
        with self._reading():
            found = self._system.find(self._path(folder).rstrip("/"))
        return [path.removeprefix(f"{self._root}/") for path in found]

    def is_empty(self) -> bool:
        """Whether it has no files and folders, other than hidden ones.

        Raises:
            UserError: if the storage can't be read.
        """
        with self._reading():
            try:
                entries = self._system.ls(self._root, detail=False, refresh=True)
            except FileNotFoundError:
                return True
        names = (path.rstrip("/").rpartition("/")[2] for path in entries)
        return all(name.startswith(".") for name in names)

    def contents(self, names: Sequence[str]) -> list[bytes]:
        """What small files have, read side by side where the storage allows it; they are not cached.

        Raises:
            DataNotFound: if one does not exist.
            UserError: if the storage can't be read.
        """
        with self._reading():
            found = self._system.cat_ranges([self._path(name) for name in names], None, None)
            for error in found:
                if isinstance(error, BaseException):
                    raise error
        return list(found)

    def content(self, name: str) -> bytes:
        """The content of a file, which the cache of parts of files keeps.

        Raises:
            DataNotFound: if it does not exist.
            UserError: if the storage can't be read.
        """
        file = self.file(name)
        return file.read_at(file.size, 0)

    def has(self, name: str) -> bool:
        """Whether the folder has that file.

        Raises:
            UserError: if the storage can't be read.
        """
        with self._reading():
            return self._info(name) is not None

    @property
    def work(self) -> Path:
        """A folder on this machine, for what is to be put into this one."""
        return self._cache / "work" / _digest(self.url)

    def put(self, files: Sequence[Path]) -> None:
        """Copies files to the storage, one after the other.

        Raises:
            UserError: if the storage can't be written to.
        """
        with self._reading("written to"):
            for file in files:
                self._system.put_file(str(file), self._path(file.name))

    def put_all(self, files: Mapping[str, Path]) -> None:
        """Copies files to the storage, side by side where the storage allows it.

        Args:
            files: path below the root → the file.

        Raises:
            UserError: if the storage can't be written to.
        """
        with self._reading("written to"):
            self._system.put([str(file) for file in files.values()], [self._path(name) for name in files])

    def write(self, name: str, content: bytes) -> None:
        """Writes a file.

        Raises:
            UserError: if the storage can't be written to.
        """
        with self._reading("written to"):
            self._system.pipe_file(self._path(name), content)

    def remove(self, folder: str) -> None:
        """Removes all files in one of its folders, if there is such a folder.

        Raises:
            UserError: if the storage can't be written to.
        """
        with self._reading("written to"):
            for path in self._system.find(self._path(folder)):
                self._system.rm_file(path)

    def file(self, name: str) -> RemoteFile:
        """A file of the folder.

        Raises:
            DataNotFound: if it does not exist.
            UserError: if the storage can't be read.
        """
        with self._reading():
            info = self._info(name)
        if info is None or info.get("size") is None:
            raise DataNotFound(f"{self.url}/{name}: there is no such file, or its size is not known")
        return RemoteFile(self, name, self._version(name, info), int(info["size"]))

    def fetch(self, name: str, start: int, stop: int) -> bytes:
        """The bytes of a file from start to stop, from the storage.

        Raises:
            UserError: if the storage can't be read.
        """
        with self._reading():
            content: bytes = self._system.cat_file(self._path(name), start=start, end=stop)
        return content

    @cached_property
    def blocks(self) -> Any:
        """The cache of parts of files, a dictionary of bytes on disk.

        Raises:
            UserError: if its package is not installed.
        """
        try:
            from diskcache import Cache
        except ImportError as error:
            raise UserError(f"{self.url}: the package diskcache is missing", INSTALL) from error
        return Cache(
            str(self._cache / "blocks"),
            size_limit=self._limit,
            eviction_policy="least-recently-used",
        )

    def _info(self, name: str) -> Mapping[str, Any] | None:
        """What the storage states of a file; None if there is no such file."""
        try:
            info: Mapping[str, Any] = self._system.info(self._path(name))
        except FileNotFoundError:
            return None
        return info

    def _version(self, name: str, info: Mapping[str, Any]) -> str:
        """A digest of the URL and of what the storage states, which differs for another content."""
        return _digest(self.url, name, sorted(info.items()))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @cached_property
    def _root(self) -> str:
        from fsspec.core import url_to_fs

        root: str = url_to_fs(self.url)[1]
        return root.rstrip("/")

    @property
    def _system(self) -> Any:
        """fsspec's file system of this process: those of a process's parent can't be used after a fork."""
        from fsspec.core import url_to_fs

        return url_to_fs(self.url)[0]

    @contextmanager
    def _reading(self, done: str = "read") -> Iterator[None]:
        """Drivers of storage have errors of any type, for lost connections, missing packages and rights alike."""
        try:
            yield
        except FileNotFoundError as error:
            raise DataNotFound(f"{self.url}: {first_line(error)}") from error
        except UserError:
            raise
        except ImportError as error:
            raise UserError(f"{self.url}: {first_line(error)}", INSTALL) from error
        except Exception as error:
            raise UserError(f"{self.url}: the storage can't be {done}: {first_line(error)}") from error


class RemoteFile:
    """A file of a remote folder, in the version that it had when it was opened.

    Attributes:
        size: in bytes.
    """

    def __init__(self, folder: RemoteFolder, name: str, version: str, size: int) -> None:
        self._folder, self._name, self._version = folder, name, version
        self.size = size

    def __str__(self) -> str:
        return f"{self._folder.url}/{self._name}"

    def read_at(self, length: int, offset: int) -> bytes:
        """Bytes from an offset, fewer at the end of the file.

        Raises:
            UserError: if the storage can't be read.
        """
        stop = min(offset + length, self.size)
        return b"".join(
            self._part(number, max(offset - number * BLOCK, 0), min(stop - number * BLOCK, BLOCK))
            for number in range(offset // BLOCK, -(-stop // BLOCK))
        )

    def _part(self, number: int, start: int, stop: int) -> bytes:
        """The bytes of a block from start to stop. Of a cached block, only these are read."""
        key = f"{self._version}/{BLOCK}/{number}"
        kept: bytes | IO[bytes] | None = self._folder.blocks.get(key, read=True)
        if kept is None:
            first = number * BLOCK
            kept = self._folder.fetch(self._name, first, min(first + BLOCK, self.size))
            self._folder.blocks.set(key, kept)
        if isinstance(kept, bytes):  # the cache keeps small blocks in its database
            return kept[start:stop]
        with kept:
            kept.seek(start)
            return kept.read(stop - start)


def _digest(*of: object) -> str:
    return hashlib.sha256(repr(of).encode()).hexdigest()[:32]
