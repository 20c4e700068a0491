"""Descriptors that need no weights. Each has two parts of length 1, the eyes' and the mouth's."""

from __future__ import annotations

import torch
from kornia.feature import SIFTDescriptor
from torch import Tensor

from ssltoolbox_mask_fn.crops import EYES, MOUTH

PIXELS = 16
"""Height and width of what `pixels` compares: coarse enough to forgive a shift."""
PATCH, CELLS = 32, 6
"""Height and width of what `gradients` looks at in pixels, and of the histograms' grid on it."""


def pixels(crops: Tensor) -> Tensor:
    """[B, 2, 1, 16, 16] → [B, 2 · 16²]: grey values, without their mean."""
    grey = crops.flatten(0, 1).flatten(1)
    return _joined(unit(grey - grey.mean(dim=1, keepdim=True)))


class Gradients:
    """[B, 2, 1, 32, 32] → [B, 2 · 6² · 8]: SIFT of each crop (Lowe 2004, Arandjelović 2012)."""

    def __init__(self) -> None:
        self._sift = SIFTDescriptor(PATCH, num_spatial_bins=CELLS)

    def __call__(self, crops: Tensor) -> Tensor:
        return _joined(self._sift.to(crops.device)(crops.flatten(0, 1)))


def geometry(landmarks: Tensor) -> Tensor:
    """[B, 68, 2] → [B, 64]: the shapes of both eyes and of the mouth, turned until the eyes are level.

    Each eye is centred by itself, and so is the mouth; then both eyes together and the mouth get length 1.
    """
    points = torch.view_as_complex(landmarks.contiguous())
    eyes, mouth = points[:, EYES].unflatten(1, (2, 6)), points[:, MOUTH]
    centres = eyes.mean(dim=2, keepdim=True)
    level = (centres[:, 1] - centres[:, 0]).conj()
    shapes = (eyes - centres).flatten(1), mouth - mouth.mean(dim=1, keepdim=True)
    return torch.cat([unit(torch.view_as_real(shape * level).flatten(1)) for shape in shapes], dim=1)


def unit(values: Tensor) -> Tensor:
    """[B, F] rows of length 1; NaN for a row of zeros, which has no direction."""
    return values / values.norm(dim=1, keepdim=True)


def _joined(parts: Tensor) -> Tensor:
    """[2B, F] → [B, 2F]: the eyes' part and the mouth's, side by side."""
    return parts.unflatten(0, (-1, 2)).flatten(1)
