"""Labelled images of any origin, as a dataset."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
import torch

from ssltoolbox.api import Clip, Frames, Split, UnreadableFrame
from ssltoolbox.data.labelled.base import LabelledImagesOptions
from ssltoolbox.data.labelled.images import LabelledImages
from ssltoolbox.data.labelled.stills import Box, read_box
from ssltoolbox.support.paths import Root, printable


class LabelledFaces:
    """Follows `ssltoolbox.api.LabelledDataset`: labels are known without reading images."""

    def __init__(self, options: LabelledImagesOptions, split: Split) -> None:
        """
        Raises:
            DataNotFound, UserError: see `LabelledImagesOptions.list_images`.
        """
        self.size = options.size
        self._listed = options.listing(split)
        self._root = Root(self._listed.root, options.follow_links)

    def __len__(self) -> int:
        return len(self._listed.starts)

    @property
    def identities(self) -> np.ndarray:
        """[clips] the person of each clip."""
        listed = self._listed
        people: np.ndarray = listed.identities[listed.starts]
        return people

    def clip(self, index: int) -> Clip:
        """The clip of that number; an image alone is a clip of one frame."""
        if not 0 <= index < len(self):
            raise IndexError(f"there is no clip {index}: there are {len(self)}, from 0 on")
        listed, rows = self._listed, self._rows(index)
        name = printable(str(listed.clip_names[listed.clips[rows.start]]))
        return Clip(index, int(listed.identities[rows.start]), listed.times[rows], name)

    def labels(self, index: int) -> dict[str, np.ndarray]:
        """Label → [frames] or [frames, C] of a clip."""
        rows = self._rows(index)
        return {name: label.values[rows] for name, label in self._listed.labels.items()}

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images of those clips and frames, in that order."""
        rows = self._listed.starts[np.asarray(clips, np.int64)] + np.asarray(frames, np.int64)
        images = torch.zeros((len(rows), 3, self.size, self.size), dtype=torch.uint8)
        unreadable: dict[int, str] = {}
        for position, row in enumerate(rows.tolist()):
            try:
                images[position] = read_face(self._listed, self._root, row, self.size)
            except UnreadableFrame as error:
                unreadable[position] = str(error)
        return Frames(
            images,
            torch.full((len(rows), 68, 2), torch.nan),
            {name: torch.from_numpy(label.values[rows]) for name, label in self._listed.labels.items()},
            unreadable,
        )

    def _rows(self, clip: int) -> slice:
        start = int(self._listed.starts[clip])
        return slice(start, start + int(self._listed.lengths[clip]))


def read_face(listed: LabelledImages, root: Root, row: int, size: int) -> torch.Tensor:
    """[3, size, size] the face of a row.

    Raises:
        UnreadableFrame: where it can't be read, or lies outside of the root.
    """
    path = os.path.join(listed.root, listed.paths[row])
    if not root.holds(path):
        raise UnreadableFrame(f"{printable(path)}: this link leads out of {printable(listed.root)}")
    box: Box | None = None if listed.boxes is None else tuple(listed.boxes[row].tolist())
    return read_box(path, box, size)[0]
