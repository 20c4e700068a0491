"""The pose of a head from landmarks: POS (DeMenthon and Davis, IJCV 1995) on a rigid face."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

POINTS = [36, 45, 30, 48, 54]
"""Of the 68: the outer corners of the eyes, the tip of the nose, the corners of the mouth. Others move more."""

FACE = np.array(
    [[-225, 170, -135], [225, 170, -135], [0, 0, 0], [-150, -150, -125], [150, -150, -125]], np.float64
)
"""[5, 3] those points of a plain face: to the right in the image, up, to the camera. The unit does not matter."""

FIT = np.linalg.pinv(FACE - FACE.mean(axis=0))
"""[3, 5] gives the least-squares fit of the face to its points in an image, both about their means."""


def rotations(landmarks: Floats) -> Floats:
    """[B, 68, 2] pixels → [B, 3, 3] the rotation of each face; NaN where a point is missing.

    Under weak perspective the image shows the first two rows of the rotation, scaled: they are found by least
    squares, then made orthogonal.
    """
    points = landmarks[:, POINTS].astype(np.float64) * [1, -1]
    fit = FIT @ (points - points.mean(axis=1, keepdims=True))
    right, up = fit[..., 0], fit[..., 1]
    with np.errstate(divide="ignore", invalid="ignore"):
        right = right / np.linalg.norm(right, axis=1, keepdims=True)
        up = up - (up * right).sum(axis=1, keepdims=True) * right
        up = up / np.linalg.norm(up, axis=1, keepdims=True)
    return np.stack([right, up, np.cross(right, up)], axis=1)


def angles(rotation: Floats, others: Floats) -> Floats:
    """[3, 3] and [B, 3, 3] → [B] degrees between a pose and others; NaN where one is not known."""
    cosine = (np.einsum("ij,bij->b", rotation, others) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))
