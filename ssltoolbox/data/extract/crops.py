"""The square around a face, its smoothing over time, and the crop of an image inside it.

A square is [centre x, centre y, side] in pixels. Whole numbers are the centres of pixels.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image

ABOVE = 0.08
"""How far the centre of a face's box lies above the centre of its landmarks, as a share of the box's side.

With this value, boxes agree with those of dlib's frontal detector; benchmarks/RESULTS.md has how closely.
"""
SIGMA = 0.25
"""Standard deviation in seconds of the window that squares are smoothed over."""
REACH = 3 * SIGMA
"""How far in seconds that window reaches to each side."""


def face_box(points: np.ndarray) -> np.ndarray:
    """[68, 2] landmarks → [3] the square around the face, from brows to chin."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    side = (high - low).max()
    x, y = (low + high) / 2
    return np.array([x, y - ABOVE * side, side])


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The intersection of two squares over their union.

    >>> square = np.array([10.0, 10.0, 4.0])
    >>> overlap(square, square), overlap(square, square + [2, 0, 0]), overlap(square, square + [9, 0, 0])
    (1.0, 0.3333333333333333, 0.0)
    """
    low = np.maximum(one[:2] - one[2] / 2, other[:2] - other[2] / 2)
    high = np.minimum(one[:2] + one[2] / 2, other[:2] + other[2] / 2)
    shared = float(np.clip(high - low, 0, None).prod())
    return shared / float(one[2] ** 2 + other[2] ** 2 - shared)


def smoothed(squares: np.ndarray, times: np.ndarray, time: float) -> np.ndarray:
    """[n, 3] squares at [n] seconds → [3] the square at a time, a Gaussian mean of those within `REACH`."""
    distance = np.abs(times - time)
    weights = np.exp(-0.5 * (distance / SIGMA) ** 2) * (distance <= REACH)
    mean: np.ndarray = weights @ squares / weights.sum()
    return mean


def cut_out(image: np.ndarray, square: np.ndarray, size: int) -> Image.Image:
    """[H, W, 3] uint8 RGB → the square of it, resized to size × size; black where it reaches out of the image."""
    left, top = square[:2] + 0.5 - square[2] / 2
    right, bottom = square[:2] + 0.5 + square[2] / 2
    column, row = math.floor(left), math.floor(top)
    region = Image.fromarray(image).crop((column, row, math.ceil(right), math.ceil(bottom)))
    inside = (left - column, top - row, right - column, bottom - row)
    return region.resize((size, size), Image.Resampling.BICUBIC, box=inside)


def points_in(points: np.ndarray, square: np.ndarray, size: int) -> np.ndarray:
    """[68, 2] pixels of an image → [68, 2] float32 pixels of what `cut_out` makes of it."""
    moved = (points - square[:2] + square[2] / 2) * (size / square[2]) - 0.5
    return moved.astype(np.float32)
