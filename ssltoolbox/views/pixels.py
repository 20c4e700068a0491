"""What every view begins and ends with: bytes as numbers, another size, ImageNet's normalisation."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def unit_range(images: Tensor) -> Tensor:
    """[B, 3, H, W] uint8 → the same as float, 0 to 1."""
    return images.float().div_(255)


def resized(pixels: Tensor, size: int) -> Tensor:
    """[B, 3, S, S] float → [B, 3, size, size]."""
    if pixels.shape[-1] == size:
        return pixels
    return F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)


def normalised(pixels: Tensor) -> Tensor:
    """[B, 3, H, W] float, 0 to 1, about ImageNet's mean in its standard deviations; in place."""
    mean, std = (pixels.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return pixels.sub_(mean).div_(std)
