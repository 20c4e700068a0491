"""Lists the clips in tar files, such as those of WebDataset. Each clip lies in one of them as a whole.

Members are named in one of two ways:

- `identity/video/clip/0000001.jpg`: folders of frames, as `tar -C frames` writes them.
- `identity/video/clip.0000001.jpg`: samples of WebDataset, whose name ends at the first dot of the file name.

Video folders may be missing, or be several. `landmarks68.npy` lies beside the frames, or is part of the sample.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.naming import frame_numbers, frame_times, in_natural_order
from ssltoolbox.data.images.roots import ImageRoot, LocalFile
from ssltoolbox.data.images.tree import LANDMARKS_FILE, is_image
from ssltoolbox.data.index.listing import ListedClip, TarPart, numbers_of
from ssltoolbox.support.paths import printable
from ssltoolbox.support.remote import RemoteFile, RemoteFolder

ENDING = ".tar"
_PACKED = re.compile(r".*\.(tgz|tbz2?|txz|tar\.\w+)", re.IGNORECASE)
_LARGEST = 2**31 - 1
"""Bytes of an image, which are an int32 in the index."""
_AT_ONCE = 2**20
"""Bytes that the reader of a tar file asks for at once."""


class _Member(NamedTuple):
    """A file in a tar file."""

    name: str
    offset: int
    length: int


@dataclass
class _Found:
    """The files of a clip, by name."""

    frames: dict[str, _Member] = field(default_factory=dict)
    landmarks: _Member | None = None


class Tars:
    """The tar files of a folder.

    Attributes:
        sizes: name of a tar file → its bytes, in natural order.
    """

    def __init__(self, root: ImageRoot, names: Collection[str]) -> None:
        """
        Args:
            root: the folder.
            names: of the tar files; see `tar_names`.

        Raises:
            UserError: where one can't be read.
        """
        self._root = root
        self.sizes: Mapping[str, int] = {name: root.file(name).size for name in in_natural_order(names)}
        self._reasons: dict[str, str] = {}

    @property
    def reasons(self) -> Collection[tuple[str, str]]:
        """Path below the root, and reason, of all that could not be used so far; it grows."""
        return self._reasons.items()

    def clips(self, fps: float) -> Iterator[ListedClip]:
        """The clips, one tar file after the other. A file that is cut short has those before the cut.

        Args:
            fps: frames per second where frames are numbered without gaps.

        Raises:
            UserError: where a clip is in two of them, or none has a clip.
        """
        seen: dict[str, str] = {}
        for number, file in enumerate(self.sizes):
            for path, found in self._found(file).items():
                if not found.frames:
                    continue
                if path in seen:
                    raise UserError(
                        f"{self._root}: the clip {printable(path)} is in {seen[path]} and in {file}",
                        "write the tar files so that each has whole clips, in any order",
                    )
                seen[path] = file
                yield _listed(path, found, number, file, fps)
        if not seen:
            raise UserError(
                f"{self._root}: no clip in {len(self.sizes):,} tar files",
                "their members are named identity/video/clip/0000001.jpg, or identity/video/clip.0000001.jpg",
            )

    def _found(self, file: str) -> dict[str, _Found]:
        """Clip → its files, in the order of their first members."""
        found: dict[str, _Found] = {}
        for member in self._members(file):
            clip, name = _clip_and_name(member.name)
            if name == LANDMARKS_FILE:
                found.setdefault(clip, _Found()).landmarks = member
            elif is_image(name):
                if reason := _unusable(clip, member):
                    self._reasons[printable(f"{file}/{member.name}")] = reason
                    continue
                found.setdefault(clip, _Found()).frames[name] = member
        return found

    def _members(self, file: str) -> Iterator[_Member]:
        try:
            with tarfile.open(fileobj=_Stream(self._root.file(file)), mode="r:") as opened:
                for entry in opened:
                    name = entry.name.removeprefix("./")
                    if entry.isreg() and not entry.issparse() and not _is_hidden(name):
                        yield _Member(name, entry.offset_data, entry.size)
        except tarfile.TarError as error:
            self._reasons[file] = f"not a whole tar file: {first_line(error)}"


def tar_names(root: ImageRoot) -> list[str]:
    """The names of the tar files in a folder; none if it has folders, which are then what is meant.

    Raises:
        DataNotFound: where there is no such folder on remote storage.
        UserError: where tar files are compressed, and so can't be read from a position.
    """
    place = root.place
    if isinstance(place, RemoteFolder):
        found = place.names()
    elif place.is_dir():
        found = [f"{entry.name}/" if entry.is_dir() else entry.name for entry in place.iterdir()]
    else:
        return []
    names = [name for name in found if not name.startswith(".")]
    if any("/" in name for name in names):
        return []
    tars = [name for name in names if name.lower().endswith(ENDING)]
    if not tars and (packed := [name for name in names if _PACKED.fullmatch(name)]):
        raise UserError(f"{root}: {packed[0]} is compressed, and can't be read from a position", "unpack it")
    return tars


def _clip_and_name(member: str) -> tuple[str, str]:
    """The clip of a member, and the name of its file.

    >>> _clip_and_name("a/v/c/0000001.jpg"), _clip_and_name("a/v/c.0000001.jpg")
    (('a/v/c', '0000001.jpg'), ('a/v/c', '0000001.jpg'))
    """
    folder, _, base = member.rpartition("/")
    stem, _, rest = base.partition(".")
    return (f"{folder}/{stem}" if folder else stem, rest) if "." in rest else (folder, base)


def _unusable(clip: str, image: _Member) -> str:
    """Why an image can't be used; empty if it can."""
    if "/" not in clip:
        return "its name has no identity and clip"
    return "it is too large" if image.length > _LARGEST else ""


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in name.split("/"))


def _listed(path: str, found: _Found, number: int, file: str, fps: float) -> ListedClip:
    names = in_natural_order(found.frames)
    members = [found.frames[name] for name in names]
    identity, *videos, clip = path.split("/")
    points = found.landmarks
    return ListedClip(
        identity=identity,
        video="/".join(videos),
        clip=clip,
        paths=[f"{file}/{member.name}" for member in members],
        numbers=numbers_of(frame_numbers(names), len(names)),
        times=frame_times(names, fps),
        landmarks=f"{file}/{points.name}" if points else "",
        tar=TarPart(
            number,
            file,
            np.array([(member.offset, member.length) for member in members], dtype=np.int64),
            (points.offset, points.length) if points else None,
        ),
    )


class _Stream(io.RawIOBase):
    """A file as `tarfile` reads it: a header of 512 bytes, then a jump to the next one."""

    def __init__(self, file: LocalFile | RemoteFile) -> None:
        self._file, self._position = file, 0
        self._start, self._held = 0, b""

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._file.size}[whence]
        self._position = base + offset
        return self._position

    def read(self, size: int = -1) -> bytes:
        if size < 0:
            size = max(0, self._file.size - self._position)
        within = self._position - self._start
        if not 0 <= within <= len(self._held) - size:
            self._start, within = self._position, 0
            self._held = self._file.read_at(max(size, _AT_ONCE), self._position)
        content = self._held[within : within + size]
        self._position += len(content)
        return content
