"""Descriptors that need no weights: one unit vector for the eyes and one for the mouth, side by side."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from kornia.feature import SIFTDescriptor
from torch import Tensor

from ssltoolbox_mask_fn.crops import EYES, MOUTH

PIXELS = 16
"""Height and width of what `pixels` compares: coarse enough to forgive a shift."""
PATCH, CELLS = 32, 6
"""Height and width of what `gradients` looks at in pixels, and of the histograms' grid on it."""
ANGLES, CLIP = 8, 0.2
"""Bins of a histogram, and the most that one of them may have of a crop's length."""


def pixels(crops: Tensor) -> Tensor:
    """[B, 2, 1, 16, 16] → [B, 2 · 16²]: grey values, without their mean."""
    grey = crops.flatten(0, 1).flatten(1)
    return _joined(unit(grey - grey.mean(dim=1, keepdim=True)))


class Gradients:
    """[B, 2, 1, 32, 32] → [B, 2 · 6² · 8]: SIFT of each crop (Lowe 2004, Arandjelović 2012).

    The result is that of kornia's SIFTDescriptor. The weight of a pixel in a cell is a factor for its row times a
    factor for its column, so all histograms are two products with matrices, which is faster on a CPU.
    """

    def __init__(self) -> None:
        sift = SIFTDescriptor(PATCH, ANGLES, CELLS)
        pixels = torch.eye(PATCH**2).view(-1, 1, PATCH, PATCH)
        with torch.no_grad():
            counts = sift.pk(pixels * sift.get_weighting_kernel()).view(PATCH, PATCH, CELLS, CELLS)
        self._factors = counts.sum(dim=(1, 3)) / counts.sum().sqrt()

    def __call__(self, crops: Tensor) -> Tensor:
        self._factors = self._factors.to(crops.device)
        oriented = _oriented(crops.flatten(0, 2))
        rows = (self._factors.T @ oriented.flatten(1)).view(-1, *oriented.shape[1:])
        histograms = (rows @ self._factors).permute(2, 1, 0, 3).flatten(2)
        histograms[:, ANGLES // 2] += histograms[:, -1]
        clipped = F.normalize(F.normalize(histograms[:, :-1].flatten(1)).clamp(max=CLIP))
        return _joined(F.normalize(clipped, p=1).sqrt())


def _oriented(patches: Tensor) -> Tensor:
    """[B, S, S] → [S, ANGLES + 1, B, S]: the length of each pixel's gradient, split between the two nearest
    angles.

    The first angle points along x. The last angle, −180°, is the same direction as 180°; the caller adds the two.
    Rows of pixels are the first dimension, so that one product sums over them.
    """
    padded = F.pad(patches[:, None], (1, 1, 1, 1), mode="replicate")[:, 0].transpose(0, 1).contiguous()
    right, down = padded[1:-1, :, 2:] - padded[1:-1, :, :-2], padded[2:, :, 1:-1] - padded[:-2, :, 1:-1]
    angle = torch.atan2(down, right).mul_(ANGLES / (2 * math.pi))[:, None]
    half = ANGLES // 2
    bins = torch.tensor([*range(half + 1), *range(1 - half, 0), -half], device=patches.device)
    beside = (angle - bins[:, None, None]).abs_().sub_(1).clamp_(max=0)
    return beside.mul_(torch.hypot(right, down).neg_()[:, None])


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


def _joined(vectors: Tensor) -> Tensor:
    """[2B, F] → [B, 2F]: the vector of the eyes and that of the mouth, side by side."""
    return vectors.unflatten(0, (-1, 2)).flatten(1)
