"""The faces for a saliency picture, from a recipe's data or from a folder of images."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import natsort
import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Dataset, Split, UnreadableFrame, UserError
from ssltoolbox.data.drawing.reading import read_frames
from ssltoolbox.data.images.landmarks import read_landmarks, scaled
from ssltoolbox.data.images.tensors import read_image
from ssltoolbox.data.images.tree import LANDMARKS_FILE, is_image
from ssltoolbox.engine.core.components import Components

FOLDER_SIZE = 224
"""Height and width that images of a folder are resized to, in pixels."""
SPLITS: tuple[Split, ...] = ("test", "val", "train")
"""Faces come from the first of these splits that has any."""


@dataclass(frozen=True, eq=False)
class FaceImages:
    """Images of faces.

    Attributes:
        images: [B, 3, size, size] uint8.
        landmarks: [B, 68, 2] pixels, NaN where there are none.
        names: a name for each image.
        unreadable: one line for each image that could not be read.
    """

    images: Tensor
    landmarks: np.ndarray
    names: tuple[str, ...]
    unreadable: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Height and width in pixels."""
        return int(self.images.shape[-1])


def faces_of(components: Components, count: int) -> FaceImages:
    """Faces of a recipe's data, from as many people as possible, each the middle frame of a clip.

    Raises:
        UserError: where there are none that can be read.
    """
    for split in SPLITS:
        dataset = components.splits[split]
        clips = _clips(dataset, count)
        if not clips:
            continue
        frames = [len(dataset.clip(clip)) // 2 for clip in clips]
        read = read_frames(dataset, clips, frames)
        whole = [index for index in range(len(clips)) if index not in read.unreadable]
        if whole:
            return FaceImages(
                read.images[whole],
                read.landmarks[whole].numpy(),
                tuple(dataset.clip(clips[index]).name for index in whole),
                tuple(read.unreadable.values()),
            )
    raise UserError("the data has no face that could be read", "name a folder of them: --images FOLDER")


def faces_in(folder: Path, count: int) -> FaceImages:
    """The first images of a folder in natural order, with the landmarks in `landmarks68.npy` if it is there.

    Raises:
        UserError: where there is no such folder, or no image in it that can be read.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    paths = natsort.natsorted(path for path in folder.iterdir() if is_image(path.name))
    stored = folder / LANDMARKS_FILE
    points = read_landmarks(str(stored), len(paths)) if stored.exists() else None
    images: list[Tensor] = []
    landmarks: list[np.ndarray] = []
    names: list[str] = []
    unreadable: list[str] = []
    for index, path in enumerate(paths):
        if len(images) == count:
            break
        try:
            image, extent = read_image(str(path), FOLDER_SIZE)
        except UnreadableFrame as error:
            unreadable.append(str(error))
            continue
        images.append(image)
        names.append(path.stem)
        none = np.full((68, 2), np.nan)
        landmarks.append(none if points is None else scaled(points[index], extent, FOLDER_SIZE))
    if not images:
        raise UserError(f"{folder} has no image that could be read", "it should hold JPEG or PNG files")
    return FaceImages(torch.stack(images), np.stack(landmarks), tuple(names), tuple(unreadable))


def _clips(dataset: Dataset, count: int) -> list[int]:
    """Clips of different people, evenly spread. If there are too few people, some give several clips."""
    filled = [clip for clip in range(len(dataset)) if len(dataset.clip(clip))]
    first = {dataset.clip(clip).identity: clip for clip in reversed(filled)}
    people = sorted(first.values())
    if len(people) < count:
        people = sorted([*people, *[clip for clip in filled if clip not in people][: count - len(people)]])
    count = min(count, len(people))
    return [people[(2 * index + 1) * len(people) // (2 * count)] for index in range(count)]
