"""Where faces come from: videos, folders of images, or an index of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor

from ssltoolbox.api import Frames
from ssltoolbox.data.frames.dataset import ClipDataset
from ssltoolbox.data.frames.folder import read_any_folder
from ssltoolbox.data.frames.folder_source import FolderSource
from ssltoolbox.data.index.reader import FrameIndex, open_index
from ssltoolbox.data.index.source import IndexSource
from ssltoolbox.engine.core.features import lengths_of, spread

AT_ONCE = 64
"""Faces of a batch."""
BOX = ("left", "top", "width", "height")
PLACE_COLUMNS = ("source", "face", "frame", "time", "file", *BOX)
"""Columns of a table that say where and when a face was seen."""


class FaceRow(NamedTuple):
    """Where and when a face was seen.

    Attributes:
        source: the video, or the clip: its path below the folder, or its name.
        face: number of the face in the source, from 1, in the order in which faces appear.
        frame: number of the frame in the source, from 0.
        time: seconds.
        file: the image; empty for a frame of a video.
        box: left, top, width and height in pixels of the frame; None for an image of a face.
    """

    source: str
    face: int
    frame: int
    time: float
    file: str = ""
    box: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, eq=False)
class FaceBatch:
    """Faces to predict for.

    Attributes:
        images: [B, 3, S, S] uint8 RGB.
        rows: [B] where they come from.
    """

    images: Tensor
    rows: Sequence[FaceRow]


class Faces(Protocol):
    """A source of faces.

    Attributes:
        name: for messages.
        frames: how many there are; 0 where that shows itself later.
    """

    name: str
    frames: int

    def batches(self, size: int) -> Iterator[FaceBatch]:
        """The faces as images of that size, in order within each of them.

        Raises:
            SslToolboxError: where the source can't be used.
        """
        ...


Read = Callable[[ClipDataset, np.ndarray, np.ndarray, int], Iterator[Frames]]
"""Dataset, clips, frames, batch size → the images in that order; see `FeatureExtractor.read`."""


class ImageFaces:
    """Clips of images, each of which shows one face.

    Attributes:
        name: for messages.
        frames: how many images there are.
        unreadable: one line for each image that could not be read so far.
        left_out: what else lies there and is not used, and how many of it: `{".gif file": 2}`.
    """

    def __init__(
        self,
        name: str,
        clips: FolderSource | IndexSource,
        file_of: Callable[[int, int], str],
        read: Read,
        left_out: Mapping[str, int] | None = None,
    ) -> None:
        """
        Args:
            name: for messages.
            clips: the clips.
            file_of: clip, frame → the name of the image.
            read: reads them.
            left_out: what else lies there.
        """
        self.name = name
        self.unreadable: list[str] = []
        self.left_out = left_out or {}
        self._clips, self._file_of, self._read = clips, file_of, read
        # Frames come clip by clip, and the times of a clip are worked out from all of its names.
        self._times = lru_cache(maxsize=4)(clips.times)
        self._lengths = lengths_of(ClipDataset(clips, 1))
        self.frames = sum(self._lengths)

    def batches(self, size: int) -> Iterator[FaceBatch]:
        """The images, clip by clip."""
        dataset = ClipDataset(self._clips, size)
        clips, frames = spread(self._lengths, self.frames)
        done = 0
        for found in self._read(dataset, clips, frames, AT_ONCE):
            where = slice(done, done + len(found.images))
            done = where.stop
            self.unreadable += found.unreadable.values()
            kept = [index for index in range(len(found.images)) if index not in found.unreadable]
            positions = [(int(clips[where][index]), int(frames[where][index])) for index in kept]
            yield FaceBatch(found.images[kept], [self._row(*position) for position in positions])

    def _row(self, clip: int, frame: int) -> FaceRow:
        time = float(self._times(clip)[frame])
        return FaceRow(self._clips.name(clip), 1, frame, time, self._file_of(clip, frame))


def folder_faces(folder: Path, fps: float, read: Read) -> ImageFaces:
    """All images below a folder; those of one folder are a clip.

    Raises:
        UserError: where there is none.
    """
    found = read_any_folder(folder)
    return ImageFaces(
        str(folder),
        FolderSource(found, fps),
        lambda clip, frame: found.frames(clip, [frame])[0],
        read,
        found.left_out,
    )


def index_faces(path: Path, read: Read) -> ImageFaces:
    """All frames of an index.

    Raises:
        DataNotFound: where its frames are not there.
        UserError: where it can't be used.
    """
    index: FrameIndex = open_index(path, None)
    return ImageFaces(
        str(path),
        IndexSource(index, np.arange(len(index.lengths))),
        lambda clip, frame: index.frame_name(int(index.starts[clip]) + frame),
        read,
    )
