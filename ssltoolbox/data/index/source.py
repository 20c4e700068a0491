"""Reads clips by an index: image files or packed images, landmarks and labels."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.data.images.files import Extent
from ssltoolbox.data.images.landmarks import rescaled, scaled
from ssltoolbox.data.images.source import StoredFrame
from ssltoolbox.data.images.tensors import read_image, resized
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing


class IndexSource:
    """Follows `ssltoolbox.data.images.source.ClipSource`.

    Args:
        index: an index.
        clips: [clips] which of its clips, by number.
    """

    def __init__(self, index: FrameIndex, clips: np.ndarray) -> None:
        self._index = index
        self._clips = clips
        self._starts = index.starts[clips]
        self._ends = self._starts + index.lengths[clips]
        self.identities = index.identities[clips]

    def __len__(self) -> int:
        return len(self._clips)

    def name(self, clip: int) -> str:
        return self._index.clip_name(int(self._clips[clip]))

    def times(self, clip: int) -> np.ndarray:
        return self._index.times[self._starts[clip] : self._ends[clip]]

    def has_landmarks(self, clip: int) -> bool:
        landmarks = self._index.landmarks
        return landmarks is not None and bool(landmarks.valid[self._starts[clip] : self._ends[clip]].any())

    def landmarks(self, clip: int, size: int) -> np.ndarray:
        return self._scaled(range(self._starts[clip], self._ends[clip]), size)

    def read(self, clip: int, frames: Sequence[int], size: int) -> Iterator[StoredFrame]:
        """
        Raises:
            UserError: where the path of an image leads out of the index's root, or the index was cut short.
        """
        start = int(self._starts[clip])
        for frame in frames:
            try:
                image, extent = self._image(start + frame, size)
            except UnreadableFrame as error:
                yield StoredFrame(None, reason=str(error))
            else:
                yield StoredFrame(image, self._points(start + frame, extent, size))

    def labels(self, clips: Sequence[int], frames: Sequence[int]) -> Mapping[str, Tensor]:
        rows = self._starts[np.asarray(clips, dtype=np.int64)] + np.asarray(frames, dtype=np.int64)
        return {name: torch.from_numpy(values[rows]) for name, values in self._index.labels.items()}

    def _image(self, row: int, size: int) -> tuple[Tensor, Extent]:
        packing = self._index.header.packed
        if packing is None:
            return read_image(self._index.frame_path(row), size, self._index.content(row))
        return _decoded(self._index.packed_image(row), packing, size, self._index.frame_name(row))

    def _points(self, row: int, extent: Extent, size: int) -> np.ndarray | None:
        landmarks = self._index.landmarks
        return scaled(landmarks.read([row])[0], extent, size) if landmarks else None

    def _scaled(self, rows: range, size: int) -> np.ndarray:
        """[rows, 68, 2] by the sizes that the index has; no image is opened."""
        index = self._index
        if not index.landmarks:
            return np.full((len(rows), 68, 2), np.nan, dtype=np.float32)
        where = slice(rows.start, rows.stop)
        extents = np.stack([index.widths[where], index.heights[where]], axis=-1)
        return rescaled(index.landmarks.read(rows), extents[:, None], size)


def _decoded(content: bytes, packing: Packing, size: int, name: str) -> tuple[Tensor, Extent]:
    """[3, size, size] uint8 RGB, and the extent of what was stored.

    Raises:
        UnreadableFrame: where it is damaged.
    """
    if packing.encoding == "jpeg":
        return read_image(name, size, io.BytesIO(content))
    shape = (3, packing.size, packing.size)
    if len(content) != np.prod(shape):
        raise UnreadableFrame(f"{name}: cut short")
    pixels = torch.frombuffer(bytearray(content), dtype=torch.uint8).view(shape)
    return resized(pixels, size), Extent(packing.size, packing.size)
