"""The colours of a picture, to tell whether it shows something else."""

from __future__ import annotations

import numpy as np

_LEVELS = 8


def colour_histogram(image: np.ndarray) -> np.ndarray:
    """[H, W, 3] uint8 → [512] shares of pixels in 8³ bins of red, green and blue.

    >>> histogram = colour_histogram(np.zeros((2, 2, 3), dtype=np.uint8))
    >>> histogram[0], histogram.sum()
    (np.float64(1.0), np.float64(1.0))
    """
    red, green, blue = np.moveaxis(image.reshape(-1, 3).astype(np.int64) * _LEVELS // 256, 1, 0)
    counts = np.bincount((red * _LEVELS + green) * _LEVELS + blue, minlength=_LEVELS**3)
    return counts / len(red)


def share_changed(one: np.ndarray, other: np.ndarray) -> float:
    """The share of a picture, 0 to 1, whose colours differ between two histograms.

    >>> share_changed(np.array([0.5, 0.5, 0]), np.array([0.5, 0.25, 0.25]))
    0.25
    """
    return float(np.abs(one - other).sum() / 2)
