"""The interface between the dataset `frames` and its sources: a folder or an index."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from torch import Tensor


class StoredFrame(NamedTuple):
    """A frame that was read.

    Attributes:
        image: [3, S, S] uint8 RGB; None if it can't be read.
        landmarks: [68, 2] in pixels of the image; None where there are none.
        reason: why it can't be read.
    """

    image: Tensor | None
    landmarks: np.ndarray | None = None
    reason: str = ""


class ClipSource(Protocol):
    """The clips of one split, by number. It is copied to every worker, so it is small and opens files only to
    read.

    Attributes:
        identities: [clips] the number of each clip's person, whatever the split.
    """

    identities: np.ndarray

    def __len__(self) -> int: ...

    def name(self, clip: int) -> str:
        """The clip's name in messages."""
        ...

    def times(self, clip: int) -> np.ndarray:
        """[frames] float64 seconds, strictly increasing."""
        ...

    def has_landmarks(self, clip: int) -> bool:
        """Whether any frame of the clip may have landmarks."""
        ...

    def landmarks(self, clip: int, size: int) -> np.ndarray:
        """[frames, 68, 2] in pixels of images of that size; NaN where there are none."""
        ...

    def read(self, clip: int, frames: Sequence[int], size: int) -> Iterator[StoredFrame]:
        """These frames of the clip, in this order."""
        ...

    def labels(self, clips: Sequence[int], frames: Sequence[int]) -> Mapping[str, Tensor]:
        """name → [B] for those frames; see `Frames.labels`."""
        ...
