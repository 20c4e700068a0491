"""How far eyes and mouth moved between frames, from landmarks alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EYES, MOUTH = slice(36, 48), slice(48, 68)


def change(landmarks: NDArray[np.floating], anchor: int, frames: list[int]) -> NDArray[np.floating]:
    """How much the shapes of eyes and mouth of `frames` differ from the anchor's: [len(frames)] ≥ 0.

    Args:
        landmarks: [T, 68, 2] of the whole clip, NaN where there are none.

    Returns:
        The distance between the shapes; 0 where one of the two frames has no landmarks.
    """
    shapes = _shapes(landmarks[[anchor, *frames]])
    return np.nan_to_num(np.linalg.norm(shapes[1:] - shapes[0], axis=1))


def _shapes(landmarks: NDArray[np.floating]) -> NDArray[np.floating]:
    """[B, 68, 2] → [B, 64]: the eyes and the mouth, each about its own centre, upright, in eye distances."""
    points = landmarks.astype(np.float64).view(np.complex128)[..., 0]
    eyes, mouth = points[:, EYES].reshape(-1, 2, 6), points[:, MOUTH]
    centres = eyes.mean(axis=2, keepdims=True)
    between = centres[:, 1] - centres[:, 0]
    shape = np.concatenate(
        [(eyes - centres).reshape(-1, 12), mouth - mouth.mean(axis=1, keepdims=True)], axis=1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        return (shape / between).view(np.float64)
