"""Opens an index: its columns as views of the files, paths of frames, clips of a split. Free of torch."""

from __future__ import annotations

import math
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Split, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.index.landmarks import LandmarkFile
from ssltoolbox.data.index.schema import (
    BYTE_RANGE,
    CLIPS,
    CLIPS_FILE,
    FRAMES,
    FRAMES_FILE,
    HEADER,
    IMAGES_FILE,
    LANDMARKS_FILE,
    SPLIT,
    Header,
    label_of,
    map_table,
    root_of,
)
from ssltoolbox.data.splits import no_identity, split_of, with_val
from ssltoolbox.support.paths import Root, printable
from ssltoolbox.support.remote import RemoteFile, RemoteFolder

T = TypeVar("T")


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
            raise UserError(f"{self._name}: it was cut short since it was opened", "pack the index again")
        return content


class _Mapped(Generic[T]):
    """An attribute that holds views of the files of an index. Each use checks that the files are whole.

    Reading past the end of a mapped file would kill the process.
    """

    def __set_name__(self, owner: type[FrameIndex], name: str) -> None:
        self._name = f"_mapped_{name}"

    def __set__(self, index: FrameIndex, views: T) -> None:
        setattr(index, self._name, views)

    def __get__(self, index: FrameIndex, owner: type[FrameIndex]) -> T:
        index.check_whole()
        views: T = getattr(index, self._name)
        return views


class FrameIndex:
    """An index of frames, memory-mapped. Pickling it pickles the arguments.

    Its columns raise UserError where a file was cut short since it was opened.

    Attributes:
        path: the index's folder.
        header: its header.
        root: the folder that the frames' paths are below.
        identity_names: names of the persons, in the order of their first clips.
        identities: [clips] int32, index of each clip's person in these names.
        starts, lengths: [clips] int64, the rows of a clip in frames.arrow.
        times: [frames] float64 seconds within the clip, strictly increasing.
        heights, widths: [frames] int32 pixels, upright after EXIF orientation.
        labels: name → [frames] or [frames, C], for the labels that it has.
        splits: [clips] train, val or test; None where the index does not say.
    """

    identities = _Mapped[np.ndarray]()
    starts = _Mapped[np.ndarray]()
    times = _Mapped[np.ndarray]()
    heights = _Mapped[np.ndarray]()
    widths = _Mapped[np.ndarray]()
    labels = _Mapped[dict[str, np.ndarray]]()
    _clip_names = _Mapped[list[pa.Array]]()
    _frame_names = _Mapped[pa.Array]()
    _ranges = _Mapped[list[np.ndarray]]()

    def __init__(self, path: Path, remote: RemoteFolder | None = None) -> None:
        """
        Args:
            path: the index's folder.
            remote: for an index on remote storage; `path` has copies of its files except for the packed images.

        Raises:
            DataNotFound: where there is no such index.
            UserError: if it is damaged or its files don't fit together.
        """
        self.path, self.remote = path, remote
        self.header = Header.read(path)
        self.root = root_of(self.header, path)
        self._sizes = {file: _size(file) for file in (path / CLIPS_FILE, path / FRAMES_FILE)}
        clips = map_table(path / CLIPS_FILE, CLIPS)
        frames = map_table(path / FRAMES_FILE, FRAMES)
        self._clip_names = [_column(clips, name) for name in ("identity", "video", "clip")]
        self._frame_names = _column(frames, "path")
        persons = self._clip_names[0].dictionary_encode()
        self.identity_names: list[str] = persons.dictionary.to_pylist()
        self.identities = persons.indices.to_numpy()
        self.starts = _array(clips, "start")
        self.lengths = _array(clips, "frames").astype(np.int64)
        self.times = _array(frames, "time")
        self.heights = _array(frames, "height")
        self.widths = _array(frames, "width")
        self.labels = {
            name: _label(frames, column)
            for column in frames.column_names
            if (name := label_of(column)) is not None
        }
        self.splits = np.array(_column(clips, SPLIT).to_pylist()) if SPLIT in clips.column_names else None
        self._ranges = [_array(frames, name) for name in BYTE_RANGE if self.header.packed]
        self._check()

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Label → the names of its classes or columns, where they have some."""
        named = {name: tuple(names) for name, names in (self.header.classes or {}).items()}
        return ({"expression": EXPRESSIONS} if "expression" in self.labels else {}) | named

    def __reduce__(self) -> tuple[Any, ...]:
        return FrameIndex, (self.path.absolute(), self.remote)

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.times)

    @cached_property
    def landmarks(self) -> LandmarkFile | None:
        """The landmarks, where it has any.

        Raises:
            UserError: where their file can't be used.
        """
        path = self.path / LANDMARKS_FILE
        return LandmarkFile(path, len(self)) if path.exists() else None

    def clip_name(self, clip: int) -> str:
        """`identity/video/clip`, for messages."""
        names = (column[clip].as_py() for column in self._clip_names)
        return printable("/".join(name for name in names if name))

    @cached_property
    def images(self) -> ImageFile | None:
        """The file of packed images; None for an index of image files.

        Raises:
            UserError: where it can't be used.
        """
        if not self.header.packed:
            return None
        file = self.remote.file(IMAGES_FILE) if self.remote else self.path / IMAGES_FILE
        return ImageFile(file, *self._ranges)

    def packed_image(self, row: int) -> bytes:
        """The bytes of a frame of a packed index.

        Raises:
            UserError: where its files can't be used.
        """
        assert self.images
        offsets, lengths = self._ranges
        return self.images.read(int(offsets[row]), int(lengths[row]))

    @cached_property
    def videos(self) -> int:
        """The number of videos."""
        return (
            pa.table(self._clip_names[:2], ["identity", "video"])
            .group_by(["identity", "video"])
            .aggregate([])
            .num_rows
        )

    def frame_name(self, row: int) -> str:
        """A frame's path below the root, for messages."""
        return printable(self._frame_names[row].as_py())

    def frame_path(self, row: int) -> str:
        """The path of a frame's image.

        Raises:
            UserError: if it leads out of the root, by `..`, as an absolute path or through a link.
        """
        name = self._frame_names[row].as_py()
        path = os.path.join(self.root, name)
        if "\0" in name or not self._home.holds(path):
            raise UserError(
                f"{self.path}: the path of frame {row}, {printable(name)}, leads out of {printable(self.root)}",
                "only frames below it are read",
            )
        return path

    def check_root(self) -> None:
        """
        Raises:
            DataNotFound: where the frames are no longer where the index says.
        """
        if not self.header.packed and not self.root.is_dir():
            raise DataNotFound(
                f"{printable(self.root)}: there is no such folder, and {self.path} says that its frames are there",
                "put them back, or make the index again",
            )

    def check_whole(self) -> None:
        """Checks that the mapped files have not become shorter.

        Raises:
            UserError: where one was cut short since it was opened.
        """
        for file, size in self._sizes.items():
            with suppress(FileNotFoundError):  # a deleted file stays mapped
                if (now := os.stat(file).st_size) < size:
                    raise UserError(
                        f"{file}: it was cut short since it was opened, to {now:,} of {size:,} bytes",
                        "make the index again",
                    )

    @cached_property
    def _home(self) -> Root:
        return Root(self.root, follow_links=self.header.links == "followed")

    def _check(self) -> None:
        ends = np.cumsum(self.lengths)
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        if (self.lengths < 1).any() or not np.array_equal(starts, self.starts) or len(self) != sum(ends[-1:]):
            raise UserError(f"{self.path}: clips and frames don't fit", "make the index again")
        later = np.diff(self.times) > 0
        later[ends[:-1] - 1] = True
        if not (later.all() and np.isfinite(self.times).all()):
            raise UserError(f"{self.path}: times of a clip don't increase", "make the index again")


def open_index(location: Path | RemoteFolder, fps: float | None) -> FrameIndex:
    """Opens an index for a run, and checks that its frames are there.

    Args:
        location: the index, on this machine or on remote storage.
        fps: the frame rate in the recipe; None if it has none.

    Raises:
        DataNotFound: where the index or its frames are not there.
        UserError: where it can't be used, or was made for another frame rate.
    """
    index = FrameIndex(location) if isinstance(location, Path) else _open_remote(location)
    if fps is not None and not math.isclose(fps, index.header.fps, rel_tol=1e-3):
        raise UserError(
            f"{location}: this index was made for {index.header.fps:.4g} frames per second, "
            f"and fps is {fps:.4g}",
            "leave fps out, or make the index again with --fps",
        )
    index.check_root()
    return index


def _open_remote(folder: RemoteFolder) -> FrameIndex:
    """
    Raises:
        UserError: where the images are not in the index.
    """
    index = FrameIndex(folder.copied((HEADER, CLIPS_FILE, FRAMES_FILE, LANDMARKS_FILE)), folder)
    if not index.header.packed:
        raise UserError(
            f"{folder}: this index lists image files, and only packed indexes are read from remote storage",
            "pack it: ssltoolbox data pack",
        )
    return index


def split_clips(index: FrameIndex, split: Split, *, val: float, test: float) -> np.ndarray:
    """[clips] int64 numbers of the split's clips, rising.

    Raises:
        UserError: where no identity falls to a split that is to have some.
    """
    if index.splits is None:
        of_person = np.array([split_of(name, val, test) for name in index.identity_names])
        splits = of_person[index.identities]
    else:
        people = [index.identity_names[person] for person in index.identities]
        splits = with_val(index.splits, people, val)
    clips = np.flatnonzero(splits == split)
    if not len(clips):
        no_identity(index.path, len(index.identity_names), split, val=val, test=test)
    return clips


def _open(file: Path) -> Any:
    """
    Raises:
        UserError: where the file can't be read.
    """
    try:
        return pa.OSFile(str(file))
    except OSError as error:
        raise UserError(f"{file}: {first_line(error)}", "pack the index again") from error


def _size(file: Path) -> int:
    """In bytes; 0 for a file that is not there, which opening it reports."""
    return file.stat().st_size if file.exists() else 0


def _array(table: pa.Table, name: str) -> np.ndarray:
    """A column as a view of the file."""
    return _column(table, name).to_numpy()


def _label(frames: pa.Table, name: str) -> np.ndarray:
    """[frames], or [frames, C] of a label of several columns."""
    column = _column(frames, name)
    if not pa.types.is_fixed_size_list(column.type):
        return column.to_numpy()
    return column.flatten().to_numpy().reshape(len(column), column.type.list_size)


def _column(table: pa.Table, name: str) -> pa.Array:
    """A column, all of it in one piece."""
    column = table[name]
    if column.null_count:
        raise UserError(f"column {name} of an index has empty cells", "make the index again")
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
