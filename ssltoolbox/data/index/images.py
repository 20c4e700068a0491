"""The files that hold the images of an index: one file of a packed index, or tar files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.roots import ImageRoot, LocalFile
from ssltoolbox.support.paths import printable
from ssltoolbox.support.remote import RemoteFile

_CUT = "it was cut short since it was opened"


class ImageFile:
    """The images of a packed index, read one by one and not kept in memory."""

    def __init__(self, file: Path | RemoteFile, offsets: np.ndarray, lengths: np.ndarray) -> None:
        """
        Args:
            file: on this machine, or on remote storage.
            offsets, lengths: [frames] position and number of each frame's bytes, to check the file against.

        Raises:
            UserError: where the file can't be read, or is shorter than the index says.
        """
        self._name = str(file)
        if isinstance(file, Path):
            local = _open(file)
            size, self._read_at = local.size(), local.read_at
        else:
            size, self._read_at = file.size, file.read_at
        if (offsets < 0).any() or (lengths < 0).any() or (offsets > size - lengths).any():
            raise UserError(f"{file}: {size} bytes are fewer than the index says", "pack the index again")

    def read(self, offset: int, length: int) -> bytes:
        """
        Raises:
            UserError: where the file has been cut short since it was opened.
        """
        content: bytes = self._read_at(length, offset)
        if len(content) < length:
            raise UserError(f"{self._name}: {_CUT}", "pack the index again")
        return content


class TarFiles:
    """The tar files of an index. Each is looked at when it is first read."""

    def __init__(self, root: ImageRoot, sizes: Mapping[str, int]) -> None:
        """
        Args:
            root: the folder that they are below.
            sizes: path → bytes, to notice another file of that name.
        """
        self._root, self._sizes = root, list(sizes.items())
        self._files: dict[int, LocalFile | RemoteFile] = {}

    def read(self, tar: int, offset: int, length: int) -> bytes:
        """The bytes of a member.

        Raises:
            DataNotFound: where the tar file is not there.
            UserError: where it can't be read, is another one than was indexed, or has been cut short.
        """
        file = self._files.get(tar) or self._files.setdefault(tar, self._checked(tar))
        content = file.read_at(length, offset)
        if len(content) < length:
            raise UserError(f"{self._root.full(self._sizes[tar][0])}: {_CUT}", "make the index again")
        return content

    def check(self) -> None:
        """Looks at all of them that are on this machine.

        Raises:
            DataNotFound, UserError: as for `read`.
        """
        if isinstance(self._root.place, Path):
            for tar in range(len(self._sizes)):
                self._checked(tar)

    def _checked(self, tar: int) -> LocalFile | RemoteFile:
        name, size = self._sizes[tar]
        if not self._root.holds(name):
            raise UserError(f"the tar file {printable(name)} of an index leads out of {self._root}")
        file = self._root.file(name)
        if file.size != size:
            raise UserError(
                f"{self._root.full(name)}: it has {file.size:,} bytes, and {size:,} when it was indexed",
                "make the index again",
            )
        return file


def _open(file: Path) -> Any:
    """
    Raises:
        UserError: where the file can't be read.
    """
    try:
        return pa.OSFile(str(file))
    except OSError as error:
        raise UserError(f"{file}: {first_line(error)}", "pack the index again") from error
