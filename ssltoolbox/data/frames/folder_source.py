"""Reads clips from a folder, on this machine or on remote storage: image files and landmarks files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from torch import Tensor

from ssltoolbox.api import UnreadableFrame
from ssltoolbox.data.frames.folder import FrameFolder
from ssltoolbox.data.images.files import read_extent
from ssltoolbox.data.images.landmarks import read_landmarks, scaled
from ssltoolbox.data.images.source import StoredFrame
from ssltoolbox.data.images.tensors import read_image


class FolderSource:
    """Follows `ssltoolbox.data.images.source.ClipSource`.

    Args:
        folder: the clips and their files.
        fps: frames per second of a clip whose frames are numbered without gaps.
    """

    def __init__(self, folder: FrameFolder, fps: float) -> None:
        self.identities = folder.identities
        self._folder, self._root = folder, folder.root
        self._fps = fps

    def __len__(self) -> int:
        return len(self._folder)

    def name(self, clip: int) -> str:
        return self._folder.name(clip)

    def times(self, clip: int) -> np.ndarray:
        return self._folder.times(clip, self._fps)

    def has_landmarks(self, clip: int) -> bool:
        return bool(self._folder.with_landmarks[clip])

    def landmarks(self, clip: int, size: int) -> np.ndarray:
        """Opens the header of each image for its size.

        Raises:
            UserError: where the landmarks file can't be used.
        """
        points = self._stored_landmarks(clip)
        if points is None:
            return np.full((int(self._folder.lengths[clip]), 68, 2), np.nan, dtype=np.float32)
        for frame, path in enumerate(self._folder.frames(clip)):
            try:
                extent = read_extent(self._root.full(path), size, self._root.content(path))
                points[frame] = scaled(points[frame], extent, size)
            except UnreadableFrame:
                points[frame] = np.nan
        return points

    def read(self, clip: int, frames: Sequence[int], size: int) -> Iterator[StoredFrame]:
        """
        Raises:
            UserError: where the landmarks file can't be used.
        """
        points = self._stored_landmarks(clip)
        for frame, path in zip(frames, self._folder.frames(clip, frames), strict=True):
            try:
                image, extent = read_image(self._root.full(path), size, self._root.content(path))
            except UnreadableFrame as error:
                yield StoredFrame(None, reason=str(error))
            else:
                yield StoredFrame(image, None if points is None else scaled(points[frame], extent, size))

    def labels(self, clips: Sequence[int], frames: Sequence[int]) -> Mapping[str, Tensor]:
        return {}

    def _stored_landmarks(self, clip: int) -> np.ndarray | None:
        path = self._folder.landmarks(clip)
        return read_landmarks(self._root.local(path), int(self._folder.lengths[clip])) if path else None
