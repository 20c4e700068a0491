"""Lists the clips in tar files, such as those of WebDataset. Each clip lies in one of them as a whole.

Members are named in one of two ways:

- `identity/video/clip/0000001.jpg`: folders of frames, as `tar -C frames` writes them.
- `identity/video/clip.0000001.jpg`: samples of WebDataset, whose name ends at the first dot of the file name.

Video folders may be missing, or be several. `landmarks68.npy` lies beside the frames, or is part of the sample.
Labels are in members `.json` or `.cls` with the name of an image, or of a clip.
"""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.images.naming import frame_numbers, frame_times, in_natural_order
from ssltoolbox.data.images.roots import ImageRoot, LocalFile
from ssltoolbox.data.images.tree import LANDMARKS_FILE, is_image
from ssltoolbox.data.index.listing import ListedClip, TarPart, numbers_of
from ssltoolbox.data.index.tar_labels import LARGEST, Cells, is_labels, read_labels
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


@dataclass
class _TarContent:
    """What is in a tar file.

    Attributes:
        clips: clip → its files, in the order of their first members.
        labels: name of a member with labels, without its ending → the labels.
    """

    clips: dict[str, _Found] = field(default_factory=dict)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)


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

    def clips(self, fps: float) -> Iterator[tuple[ListedClip, Sequence[Cells]]]:
        """The clips and the labels of their frames, one tar file after the other.

        A file that is cut short has those before the cut. Labels lie beside an image, or are named after the clip.

        Args:
            fps: frames per second where frames are numbered without gaps.

        Raises:
            UserError: where a clip is in two of them, or none has a clip.
        """
        seen: dict[str, str] = {}
        for number, file in enumerate(self.sizes):
            content = self._content(file)
            unused = dict.fromkeys(content.labels)
            for path, found in content.clips.items():
                if not found.frames:
                    continue
                if path in seen:
                    raise UserError(
                        f"{self._root}: the clip {printable(path)} is in {seen[path]} and in {file}",
                        "write the tar files so that each has whole clips, in any order",
                    )
                seen[path] = file
                clip = _listed(path, found, number, file, fps)
                stems = [frame.removeprefix(f"{file}/").rpartition(".")[0] for frame in clip.paths]
                of_clip = content.labels.get(path, {})
                yield clip, [of_clip | content.labels.get(stem, {}) for stem in stems]
                for stem in (path, *stems):
                    unused.pop(stem, None)
            for stem in unused:
                self._reasons[printable(f"{file}/{stem}")] = "labels without an image or a clip of that name"
        if not seen:
            raise UserError(
                f"{self._root}: no clip in {len(self.sizes):,} tar files",
                "their members are named identity/video/clip/0000001.jpg, or identity/video/clip.0000001.jpg",
            )

    def _content(self, file: str) -> _TarContent:
        content = _TarContent()
        for member, labels in self._members(file):
            clip, name = _clip_and_name(member.name)
            if labels is not None:
                content.labels.setdefault(member.name.rpartition(".")[0], {}).update(labels)
            elif name == LANDMARKS_FILE:
                content.clips.setdefault(clip, _Found()).landmarks = member
            elif is_image(name):
                if reason := _unusable(clip, member):
                    self._reasons[printable(f"{file}/{member.name}")] = reason
                    continue
                content.clips.setdefault(clip, _Found()).frames[name] = member
        return content

    def _members(self, file: str) -> Iterator[tuple[_Member, Cells | None]]:
        """The members of a tar file, and the labels in those that have some."""
        try:
            with tarfile.open(fileobj=_Stream(self._root.file(file)), mode="r:") as opened:
                for entry in opened:
                    name = entry.name.removeprefix("./")
                    if not entry.isreg() or entry.issparse() or _is_hidden(name):
                        continue
                    labels = self._labels(opened, entry, f"{file}/{name}") if is_labels(name) else None
                    yield _Member(name, entry.offset_data, entry.size), labels
        except tarfile.TarError as error:
            self._reasons[file] = f"not a whole tar file: {first_line(error)}"

    def _labels(self, opened: tarfile.TarFile, entry: tarfile.TarInfo, name: str) -> Cells | None:
        """The labels in a member; None where they can't be used."""
        content = opened.extractfile(entry) if entry.size <= LARGEST else None
        try:
            if content is None:
                raise ValueError(f"its labels have more than {LARGEST:,} bytes")
            return read_labels(name, content.read())
        except ValueError as error:
            self._reasons[printable(name)] = str(error)
            return None


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
