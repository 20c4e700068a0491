"""The dataset `frames`: draws of a run become images and landmarks read from disk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from ssltoolbox.api import Clip, Frames, Split, UnreadableFrame
from ssltoolbox.data.frames.folder import read_folder
from ssltoolbox.data.frames.headers import read_extent
from ssltoolbox.data.frames.images import read_image
from ssltoolbox.data.frames.landmarks import read_landmarks, scaled
from ssltoolbox.data.frames.options import FramesOptions


class FramesDataset:
    """Follows `ssltoolbox.api.Dataset`.

    What clips there are, and where their files lie, is for the folder to say; here files become tensors.
    """

    def __init__(self, options: FramesOptions, split: Split) -> None:
        """
        Raises:
            DataNotFound: where the root is not there.
            UserError: where it can't be used; see `read_folder`.
        """
        self.size = options.size
        self._fps = options.fps
        self._folder = read_folder(options.root, split, val=options.val, test=options.test)

    def __len__(self) -> int:
        return len(self._folder)

    def clip(self, index: int) -> Clip:
        """The clip of that number. Its landmarks, where it has any, are read when first asked for."""
        landmarks = self._folder.landmarks(index)
        return Clip(
            index=index,
            identity=int(self._folder.identities[index]),
            times=self._folder.times(index, self._fps),
            name=self._folder.name(index),
            load_landmarks=partial(self._clip_landmarks, index, landmarks) if landmarks else None,
        )

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images at those places, in that order. Each file is opened once, however often it is asked for.

        Raises:
            UserError: where a landmarks file can't be used.
        """
        count = len(clips)
        images = torch.zeros((count, 3, self.size, self.size), dtype=torch.uint8)
        landmarks = np.full((count, 68, 2), np.nan, dtype=np.float32)
        unreadable: dict[int, str] = {}
        for clip, places in _positions(clips, frames).items():
            paths = self._folder.frames(clip)
            landmarks_path = self._folder.landmarks(clip)
            points = self._stored_landmarks(clip, landmarks_path) if landmarks_path else None
            for frame, positions in places.items():
                try:
                    image, extent = read_image(paths[frame], self.size)
                except UnreadableFrame as error:
                    unreadable.update(dict.fromkeys(positions, str(error)))
                    continue
                images[positions] = image
                if points is not None:
                    landmarks[positions] = scaled(points[frame], extent, self.size)
        return Frames(images, torch.from_numpy(landmarks), unreadable=dict(sorted(unreadable.items())))

    def _stored_landmarks(self, clip: int, path: str) -> np.ndarray:
        return read_landmarks(path, int(self._folder.lengths[clip]))

    def _clip_landmarks(self, clip: int, path: str) -> np.ndarray:
        """[frames, 68, 2] in pixels of the resized images; opens the header of each for its size."""
        points = self._stored_landmarks(clip, path)
        for frame, image in enumerate(self._folder.frames(clip)):
            try:
                points[frame] = scaled(points[frame], read_extent(image, self.size), self.size)
            except UnreadableFrame:
                points[frame] = np.nan
        return points


def _positions(clips: Sequence[int], frames: Sequence[int]) -> dict[int, dict[int, list[int]]]:
    """clip → frame → the positions at which it was asked for."""
    places: dict[int, dict[int, list[int]]] = {}
    for position, (clip, frame) in enumerate(zip(clips, frames, strict=True)):
        places.setdefault(int(clip), {}).setdefault(int(frame), []).append(position)
    return places
