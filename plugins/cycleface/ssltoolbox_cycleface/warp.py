"""Backward warps by dense fields, and their inverses.

A field [B, 2, h, w] is in coordinates in which the image spans −1 to 1; channel 0 is horizontal. Coordinates need
full precision, so none of this is computed in a reduced one.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def warp(images: Tensor, field: Tensor) -> Tensor:
    """out(p) = images(p + field(p)): bilinear, zero outside of the image.

    Args:
        images: [B, C, H, W].
        field: [B, 2, h, w]; raised to H×W. Its values are relative to the image, and so stay as they are.
    """
    with torch.autocast(images.device.type, enabled=False):
        raised = F.interpolate(field.float(), images.shape[2:], mode="bilinear", align_corners=True)
        grid = _positions(raised) + raised.clamp(-1, 1).permute(0, 2, 3, 1)
        return F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="zeros", align_corners=True)


def inverse_published(field: Tensor) -> Tensor:
    """b(p) = −f(p + f(p)), as the published code has it."""
    return -warp(field, field).clamp(-1, 1)


def inverse_fixed_point(field: Tensor, steps: int) -> Tensor:
    """b(p) = −f(p + b(p)) by fixed-point steps from b = −f: the inverse of a backward warp."""
    inverse = -field
    for _ in range(steps):
        inverse = -warp(field, inverse)
    return inverse


def outside(field: Tensor) -> Tensor:
    """[] the share of positions that a warp reads from outside of the image."""
    field = field.float()
    return ((_positions(field) + field.permute(0, 2, 3, 1)).abs() > 1).any(dim=3).float().mean()


def _positions(field: Tensor) -> Tensor:
    """[1, h, w, 2]: the coordinates (x, y) of each position of a field."""
    height, width = field.shape[2:]
    y, x = (torch.linspace(-1, 1, count, device=field.device) for count in (height, width))
    return torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=2)[None]
