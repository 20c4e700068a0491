"""The dataset `frames`: images and landmarks from a folder or an index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from ssltoolbox.api import Clip, Frames, Split
from ssltoolbox.data.frames.folder_source import FolderSource
from ssltoolbox.data.frames.options import PAPER_FPS, FramesOptions
from ssltoolbox.data.images.source import ClipSource
from ssltoolbox.data.index.reader import split_clips
from ssltoolbox.data.index.source import IndexSource


class ClipDataset:
    """Follows `ssltoolbox.api.LabelledDataset`.

    A `ClipSource` lists the clips and reads their frames; this class makes tensors of them.

    Args:
        source: the clips.
        size: height and width that images are resized to, in pixels.
        tars: [clips] number of each clip's tar file; None if clips are not in tar files.
        shuffle_tars: of how many tar files clips are shuffled at a time; None for all.
    """

    def __init__(
        self,
        source: ClipSource,
        size: int,
        tars: np.ndarray | None = None,
        shuffle_tars: int | None = None,
    ) -> None:
        self.size = size
        self._source = source
        self._tars, self._shuffle_tars = tars, shuffle_tars

    def __len__(self) -> int:
        return len(self._source)

    @property
    def identities(self) -> np.ndarray:
        """[clips] the person of each clip."""
        return self._source.identities

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """[clips] int64: the clips in the order of an epoch."""
        if self._tars is None or self._shuffle_tars is None:
            return rng.permutation(len(self))
        return shuffled_by_tars(self._tars, self._shuffle_tars, rng)

    def labels(self, index: int) -> dict[str, np.ndarray]:
        """Label → [frames] or [frames, C] of a clip; empty for a folder, which has none."""
        count = len(self._source.times(index))
        return {
            name: label.numpy() for name, label in self._source.labels([index] * count, range(count)).items()
        }

    def clip(self, index: int) -> Clip:
        """The clip with that number. Its landmarks are read at first use."""
        source = self._source
        return Clip(
            index=index,
            identity=int(source.identities[index]),
            times=source.times(index),
            name=source.name(index),
            load_landmarks=partial(source.landmarks, index, self.size)
            if source.has_landmarks(index)
            else None,
        )

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images of these clips and frames, in this order. Each file is opened once per call.

        Raises:
            UserError: where a landmarks file can't be used, or an index leads out of its root.
        """
        count = len(clips)
        images = np.zeros((count, 3, self.size, self.size), dtype=np.uint8)
        landmarks = np.full((count, 68, 2), np.nan, dtype=np.float32)
        unreadable: dict[int, str] = {}
        for clip, wanted in _positions(clips, frames).items():
            stored = self._source.read(clip, list(wanted), self.size)
            for positions, frame in zip(wanted.values(), stored, strict=True):
                if frame.image is None:
                    unreadable.update(dict.fromkeys(positions, frame.reason))
                    continue
                pixels = frame.image.numpy()  # numpy is faster than torch at separating the channels
                for position in positions:
                    images[position] = pixels
                if frame.landmarks is not None:
                    landmarks[positions] = frame.landmarks
        return Frames(
            torch.from_numpy(images),
            torch.from_numpy(landmarks),
            self._source.labels(clips, frames),
            unreadable=dict(sorted(unreadable.items())),
        )


class FramesDataset(ClipDataset):
    """The clips of a split, as the options of `frames` have them."""

    def __init__(self, options: FramesOptions, split: Split) -> None:
        """
        Raises:
            DataNotFound: where the root or the index is not there.
            UserError: where it can't be used; see `read_folder` and `open_index`.
        """
        if options.index is None:
            super().__init__(FolderSource(options.list_folder(split), options.fps or PAPER_FPS), options.size)
            return
        index = options.open_index()
        clips = split_clips(index, split, val=options.val, test=options.test)
        tars = None if index.tars is None else index.tars[clips]
        super().__init__(IndexSource(index, clips), options.size, tars, options.shuffle_tars)


def shuffled_by_tars(tars: np.ndarray, at_a_time: int, rng: np.random.Generator) -> np.ndarray:
    """[clips] int64: a random order in which the clips of a few tar files come before those of the next few.

    Args:
        tars: [clips] number of each clip's tar file.
        at_a_time: tar files whose clips are shuffled together.
        rng: gives the random numbers.
    """
    numbers, codes = np.unique(tars, return_inverse=True)
    ranks = rng.permutation(len(numbers)) // at_a_time
    shuffled = rng.permutation(len(tars))
    return shuffled[np.argsort(ranks[codes[shuffled]], kind="stable")]


def _positions(clips: Sequence[int], frames: Sequence[int]) -> dict[int, dict[int, list[int]]]:
    """clip → frame → its positions in the request."""
    positions: dict[int, dict[int, list[int]]] = {}
    for position, (clip, frame) in enumerate(zip(clips, frames, strict=True)):
        positions.setdefault(int(clip), {}).setdefault(int(frame), []).append(position)
    return positions
