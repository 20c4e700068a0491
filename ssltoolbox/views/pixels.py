"""Steps that the views share: bytes to floats, resizing, local crops, ImageNet's normalisation."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


PIXELS_AT_ONCE = 128 * 1024
"""On a CPU, images are changed in groups of about this many pixels, which stay in a core's cache."""


def in_groups(change: Callable[..., Tensor], size: int, *tensors: Tensor) -> Tensor:
    """`change(*tensors)`, applied to groups of images.

    Args:
        change: gives [B, …]; it treats each image independently.
        size: height and width of what it gives.
        tensors: [B, …] each.
    """
    on_cpu = tensors[0].device.type == "cpu"
    at_once = max(1, PIXELS_AT_ONCE // size**2 if on_cpu else len(tensors[0]))
    groups = zip(*(tensor.split(at_once) for tensor in tensors), strict=True)
    return torch.cat([change(*group) for group in groups])


LOCAL_SIDES = (0.05**0.5, 0.4**0.5)
"""Sides of local crops as fractions of the image: areas of 0.05 to 0.4 (Caron et al., DINO, 2021, appendix)."""


def squares(count: int, least: float, most: float, flip: float, device: torch.device) -> Tensor:
    """[B, 2, 3] random squares of an image, from the square's coordinates to the image's, both in [-1, 1].

    Args:
        least, most: sides, as fractions of the image's.
        flip: probability that a square is mirrored.
    """
    draws = torch.rand(count, 4, device=device)
    side = least + (most - least) * draws[:, 0]
    mirror = 1 - 2 * (draws[:, 1] < flip).float()
    theta = torch.zeros(count, 2, 3, device=device)
    theta[:, 0, 0] = side * mirror
    theta[:, 1, 1] = side
    theta[:, :, 2] = (2 * draws[:, 2:] - 1) * (1 - side)[:, None]
    return theta


def warped(pixels: Tensor, theta: Tensor, size: int) -> Tensor:
    """[B, 3, S, S] → [B, 3, size, size], the squares `theta` [B, 2, 3] of them."""
    grid = F.affine_grid(theta, [len(pixels), 3, size, size], align_corners=False)
    return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)


def unit_range(images: Tensor) -> Tensor:
    """[B, 3, H, W] uint8 → the same as float, 0 to 1."""
    return images.float().div_(255)


def resized(pixels: Tensor, size: int) -> Tensor:
    """[B, 3, S, S] float → [B, 3, size, size]."""
    if pixels.shape[-1] == size:
        return pixels
    return F.interpolate(pixels, (size, size), mode="bilinear", antialias=True)


def resized_bytes(images: Tensor, size: int) -> Tensor:
    """[B, 3, S, S] uint8 → [B, 3, size, size] float, 0 to 1.

    On a CPU the resized pixels are rounded to bytes, as PIL does, because that is faster.
    """
    if images.device.type == "cpu" and images.shape[-1] != size:
        images = F.interpolate(images, (size, size), mode="bilinear", antialias=True)
    return resized(unit_range(images), size)


def normalised(pixels: Tensor) -> Tensor:
    """[B, 3, H, W] float, 0 to 1, about ImageNet's mean in its standard deviations; in place."""
    mean, std = (pixels.new_tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return pixels.sub_(mean).div_(std)
