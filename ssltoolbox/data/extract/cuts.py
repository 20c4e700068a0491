"""Where one shot ends and the next begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import av

_SIDE = 64
_LEVELS = 8


class CutDetector:
    """Counts cuts: a cut is where the colours of a frame are not those of the frame before.

    Args:
        threshold: the share of the picture, 0 to 1, whose colour has to change; 1 finds no cuts. On four real
            talking faces at 25/6 frames per second it is at most 0.16 from frame to frame, and from one video
            to another at least 0.57.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._shot = 0
        self._before: np.ndarray | None = None

    def shot(self, frame: av.VideoFrame) -> int:
        """The number of the frame's shot, from 0. Frames are to come in order, none left out."""
        small = frame.to_ndarray(format="rgb24", width=_SIDE, height=_SIDE, interpolation="AREA")
        colours = colour_histogram(small)
        if self._before is not None and np.abs(colours - self._before).sum() / 2 > self.threshold:
            self._shot += 1
        self._before = colours
        return self._shot


def colour_histogram(image: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 → [512] shares of the pixels whose red, green and blue fall to each of 8³ bins.

    >>> histogram = colour_histogram(np.zeros((2, 2, 3), dtype=np.uint8))
    >>> histogram[0], histogram.sum()
    (np.float64(1.0), np.float64(1.0))
    """
    red, green, blue = np.moveaxis(image.reshape(-1, 3).astype(np.int64) * _LEVELS // 256, 1, 0)
    counts = np.bincount((red * _LEVELS + green) * _LEVELS + blue, minlength=_LEVELS**3)
    return counts / len(red)
