"""How much eyes and mouth changed between frames, by their landmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EYES, MOUTH = slice(36, 48), slice(48, 68)


def change(face: NDArray[np.floating], others: NDArray[np.floating]) -> NDArray[np.floating]:
    """How much the shapes of eyes and mouth in other faces differ from those of a face.

    Args:
        face: [68, 2] landmarks, NaN if there are none.
        others: [n, 68, 2] of the other faces.

    Returns:
        [n] distances of the shapes, at least 0; 0 if one of the two faces has no landmarks.
    """
    shapes = _shapes(np.concatenate([face[None], others]))
    return np.nan_to_num(np.linalg.norm(shapes[1:] - shapes[0], axis=1))


def _shapes(landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
    """[B, 68, 2] → [B, 64]: eyes and mouth, each relative to its centre, upright, in units of the eye distance."""
    points = landmarks.astype(np.float64).view(np.complex128)[..., 0]
    eyes, mouth = points[:, EYES].reshape(-1, 2, 6), points[:, MOUTH]
    centres = eyes.mean(axis=2, keepdims=True)
    between = centres[:, 1] - centres[:, 0]
    shape = np.concatenate(
        [(eyes - centres).reshape(-1, 12), mouth - mouth.mean(axis=1, keepdims=True)], axis=1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return (shape / between).view(np.float64)
