"""Opens an index: its columns as arrays that are views of the files, and its frames' paths. Free of torch."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.frames.naming import printable
from ssltoolbox.data.index.landmarks import LandmarkFile
from ssltoolbox.data.index.schema import (
    CLIPS,
    CLIPS_FILE,
    FRAMES,
    FRAMES_FILE,
    LABELS,
    LANDMARKS_FILE,
    Header,
    map_table,
    root_of,
)


class FrameIndex:
    """An index of frames, memory-mapped. To pickle it is to pickle its path.

    Attributes:
        path: the index's folder.
        header: what it says of itself.
        root: the folder that the frames' paths are below.
        identities: [clips] names of the persons.
        starts, lengths: [clips] int64, the rows of a clip in frames.arrow.
        times: [frames] float64 seconds within the clip, strictly increasing.
        heights, widths: [frames] int32 pixels, upright after EXIF orientation.
        labels: name → [frames], for the labels that it has.
    """

    def __init__(self, path: Path) -> None:
        """
        Raises:
            DataNotFound: where there is no such index.
            UserError: where it is damaged, or its parts don't fit.
        """
        self.path = path
        self.header = Header.read(path)
        self.root = root_of(self.header, path)
        self._clips = map_table(path / CLIPS_FILE, CLIPS)
        self._frames = map_table(path / FRAMES_FILE, FRAMES)
        self.identities: list[str] = self._clips["identity"].to_pylist()
        self.starts = _array(self._clips, "start")
        self.lengths = _array(self._clips, "frames").astype(np.int64)
        self.times = _array(self._frames, "time")
        self.heights = _array(self._frames, "height")
        self.widths = _array(self._frames, "width")
        self.labels = {
            name: _array(self._frames, name) for name in LABELS if name in self._frames.column_names
        }
        self._check()

    def __reduce__(self) -> tuple[Any, ...]:
        return FrameIndex, (self.path,)

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
        parts = (self._clips[column][clip].as_py() for column in ("identity", "video", "clip"))
        return printable("/".join(part for part in parts if part))

    def frame_path(self, row: int) -> str:
        """The path of a frame's image.

        Raises:
            UserError: where it would lead out of the root, by `..`, as an absolute path or through a link.
        """
        name = self._frames["path"][row].as_py()
        path = os.path.join(self.root, name)
        real = os.path.realpath(path)
        if not real.startswith(self._real_root):
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
        if not self.root.is_dir():
            raise DataNotFound(
                f"{printable(self.root)}: there is no such folder, and {self.path} says that its frames are there",
                "put them back, or make the index again",
            )

    @cached_property
    def _real_root(self) -> str:
        return os.path.join(os.path.realpath(self.root), "")

    def _check(self) -> None:
        ends = np.cumsum(self.lengths)
        starts = np.concatenate([[0], ends[:-1]]) if len(ends) else ends
        if (self.lengths < 1).any() or not np.array_equal(starts, self.starts) or len(self) != sum(ends[-1:]):
            raise UserError(f"{self.path}: clips and frames don't fit", "make the index again")
        later = np.diff(self.times) > 0
        later[ends[:-1] - 1] = True
        if not (later.all() and np.isfinite(self.times).all()):
            raise UserError(f"{self.path}: times of a clip don't increase", "make the index again")


def _array(table: pa.Table, column: str) -> np.ndarray:
    """A column as a view of the file."""
    values = table[column]
    if values.null_count:
        raise UserError(f"column {column} of an index has empty places", "make the index again")
    if values.num_chunks == 0:
        return np.zeros(0, dtype=values.type.to_pandas_dtype())
    return values.chunk(0).to_numpy()
