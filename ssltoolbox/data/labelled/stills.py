"""Labelled images as clips of one frame, so that one dataset protocol serves all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Clip, Frames, UnreadableFrame
from ssltoolbox.data.images.files import Extent, opened, upright_rgb
from ssltoolbox.data.images.landmarks import scaled
from ssltoolbox.data.images.tensors import resized

Box = tuple[float, float, float, float]
"""Left, top, width and height in pixels."""


@dataclass(frozen=True, eq=False)
class Still:
    """One image.

    Attributes:
        image: [3, size, size] uint8.
        landmarks: [68, 2] in pixels of the image, where they are known.
        labels: -1 and NaN mean none.
    """

    image: Tensor
    landmarks: np.ndarray | None = None
    labels: Mapping[str, int | float] = field(default_factory=dict)


class Stills(ABC):
    """Follows `ssltoolbox.api.Dataset`; a subclass reads one image."""

    size: int

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def name(self, index: int) -> str:
        """The name of an image in messages."""

    @abstractmethod
    def still(self, index: int) -> Still:
        """
        Raises:
            UnreadableFrame: where it can't be read.
        """

    def identity(self, index: int) -> int:
        """The number of the person; without known identities, each image is of another person."""
        return index

    def clip(self, index: int) -> Clip:
        """An image as a clip."""
        if not 0 <= index < len(self):
            raise IndexError(f"there is no image {index}: there are {len(self)}, from 0 on")
        return Clip(index, self.identity(index), np.zeros(1), self.name(index))

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images of those clips, in that order; every frame number is 0."""
        images = torch.zeros((len(clips), 3, self.size, self.size), dtype=torch.uint8)
        landmarks = np.full((len(clips), 68, 2), np.nan, np.float32)
        labels: dict[str, Tensor] = self._no_labels(len(clips))
        unreadable: dict[int, str] = {}
        for position, index in enumerate(clips):
            try:
                still = self.still(int(index))
            except UnreadableFrame as error:
                unreadable[position] = str(error)
                continue
            images[position] = still.image
            if still.landmarks is not None:
                landmarks[position] = still.landmarks
            for name, value in still.labels.items():
                labels[name][position] = value
        return Frames(images, torch.from_numpy(landmarks), labels, unreadable)

    def _no_labels(self, count: int) -> dict[str, Tensor]:
        """All labels of the data set, with unknown values."""
        return {}


def read_box(path: str, box: Box | None, size: int) -> tuple[Tensor, Box]:
    """[3, size, size] the part of an image in a box, and the box; the whole image without one.

    Parts of the box outside the image are black.

    Raises:
        UnreadableFrame: `path: reason`.
    """
    with opened(path, None if box else size) as (image, extent):
        rgb = upright_rgb(image)
        whole = (0.0, 0.0, float(extent.width), float(extent.height))
        if box:
            left, top, width, height = map(round, box)
            rgb = rgb.crop((left, top, left + max(1, width), top + max(1, height)))
    pixels = torch.from_numpy(np.array(rgb)).permute(2, 0, 1)
    return resized(pixels, size), box or whole


def points_in(box: Box, points: np.ndarray, size: int) -> np.ndarray:
    """[68, 2] float32 points of an image as points of its box resized to size × size."""
    left, top, width, height = box
    inside = np.asarray(points, np.float32) - np.array([left, top], np.float32)
    return scaled(inside, Extent(max(1, round(width)), max(1, round(height))), size)
