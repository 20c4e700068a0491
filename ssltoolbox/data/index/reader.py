"""Opens an index: its columns as views of the files, paths of frames, clips of a split. Free of torch."""

from __future__ import annotations

import io
import math
import os
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

import numpy as np
import pyarrow as pa

from ssltoolbox.api import EXPRESSIONS, DataNotFound, Split, UserError
from ssltoolbox.data.images.roots import ImageRoot
from ssltoolbox.data.index.images import ImageFile, TarFiles
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
    TAR,
    Header,
    label_of,
    map_table,
    root_of,
)
from ssltoolbox.data.splits import no_identity, split_of, with_val
from ssltoolbox.support.paths import printable
from ssltoolbox.support.remote import RemoteCache, RemoteFolder

T = TypeVar("T")


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
        root: the folder that the frames' paths are below, on this machine or on remote storage.
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
    _frame_tars = _Mapped[np.ndarray]()
    _ranges = _Mapped[list[np.ndarray]]()

    def __init__(
        self, path: Path, remote: RemoteFolder | None = None, cache: RemoteCache | None = None
    ) -> None:
        """
        Args:
            path: the index's folder.
            remote: for an index on remote storage; `path` has copies of its files except for the packed images.
            cache: for frames on remote storage [in the user's cache folder].

        Raises:
            DataNotFound: where there is no such index.
            UserError: if it is damaged or its files don't fit together.
        """
        self.path, self.remote, self._cache = path, remote, cache
        self.header = Header.read(path)
        place = root_of(self.header, path, remote, cache or RemoteCache())
        self.root = ImageRoot(place, follow_links=self.header.links == "followed")
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
        in_files = self.header.packed or self.header.tars
        self._ranges = [_array(frames, name) for name in BYTE_RANGE if in_files]
        if self.header.tars:
            self._frame_tars = _array(frames, TAR)
        self._check()

    @property
    def tars(self) -> np.ndarray | None:
        """[clips] int32 number of each clip's tar file; None where frames are not in tar files."""
        return self._frame_tars[self.starts] if self.header.tars else None

    @property
    def classes(self) -> dict[str, tuple[str, ...]]:
        """Label → the names of its classes or columns, where they have some."""
        named = {name: tuple(names) for name, names in (self.header.classes or {}).items()}
        return ({"expression": EXPRESSIONS} if "expression" in self.labels else {}) | named

    def __reduce__(self) -> tuple[Any, ...]:
        return FrameIndex, (self.path.absolute(), self.remote, self._cache)

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
        """The path or URL of a frame's image; in a tar file, the path of the tar file and the member's name.

        Raises:
            UserError: if it leads out of the root, by `..`, as an absolute path or through a link.
        """
        name = self._frame_names[row].as_py()
        if not self.header.tars and not self.root.holds(name):
            raise UserError(
                f"{self.path}: the path of frame {row}, {printable(name)}, leads out of {self.root}",
                "only frames below it are read",
            )
        return self.root.full(name)

    def content(self, row: int) -> IO[bytes] | None:
        """The file of a frame's image, from a tar file or from remote storage; None for a file at its path.

        Raises:
            UnreadableFrame: where it is not on the storage.
            DataNotFound: where its tar file is not there.
            UserError: where it can't be read.
        """
        if self.header.tars:
            offsets, lengths = self._ranges
            tar = int(self._frame_tars[row])
            return io.BytesIO(self._tar_files.read(tar, int(offsets[row]), int(lengths[row])))
        return self.root.content(self._frame_names[row].as_py())

    def check_root(self) -> None:
        """
        Raises:
            DataNotFound: where the frames are no longer where the index says.
            UserError: where a tar file has changed since it was indexed.
        """
        if self.header.packed:
            return
        if not self.root.exists():
            raise DataNotFound(
                f"{self.root}: there is no such folder, and {self.remote or self.path} says that its frames are "
                "there",
                "put them back, or make the index again",
            )
        self._tar_files.check()

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
    def _tar_files(self) -> TarFiles:
        return TarFiles(self.root, self.header.tars or {})

    def _check(self) -> None:
        ends = np.cumsum(self.lengths)
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        if (self.lengths < 1).any() or not np.array_equal(starts, self.starts) or len(self) != sum(ends[-1:]):
            raise UserError(f"{self.path}: clips and frames don't fit", "make the index again")
        if self.header.tars:
            sizes, (offsets, lengths) = np.array(list(self.header.tars.values())), self._ranges
            known = (self._frame_tars >= 0) & (self._frame_tars < len(sizes))
            if not known.all() or (offsets < 0).any() or (lengths < 0).any():
                raise UserError(f"{self.path}: frames and tar files don't fit", "make the index again")
            if (offsets > sizes[self._frame_tars] - lengths).any():
                raise UserError(f"{self.path}: a frame lies beyond its tar file", "make the index again")
        later = np.diff(self.times) > 0
        later[ends[:-1] - 1] = True
        if not (later.all() and np.isfinite(self.times).all()):
            raise UserError(f"{self.path}: times of a clip don't increase", "make the index again")


def open_index(
    location: Path | RemoteFolder, fps: float | None, cache: RemoteCache | None = None
) -> FrameIndex:
    """Opens an index for a run, and checks that its frames are there.

    Args:
        location: the index, on this machine or on remote storage.
        fps: the frame rate in the recipe; None if it has none.
        cache: for frames on remote storage [in the user's cache folder].

    Raises:
        DataNotFound: where the index or its frames are not there.
        UserError: where it can't be used, or was made for another frame rate.
    """
    index = FrameIndex(*_found(location), cache)
    if fps is not None and not math.isclose(fps, index.header.fps, rel_tol=1e-3):
        raise UserError(
            f"{location}: this index was made for {index.header.fps:.4g} frames per second, "
            f"and fps is {fps:.4g}",
            "leave fps out, or make the index again with --fps",
        )
    index.check_root()
    return index


def _found(location: Path | RemoteFolder) -> tuple[Path, RemoteFolder | None]:
    """The folder of an index, or of a copy of its tables on this machine, and where it is on remote storage."""
    if isinstance(location, Path):
        return location, None
    return location.copied((HEADER, CLIPS_FILE, FRAMES_FILE, LANDMARKS_FILE)), location


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
