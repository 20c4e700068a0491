"""Cuts the eyes and the mouth out of a batch of faces, all at once and on their device."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

EYES, MOUTH = slice(36, 48), slice(48, 68)
"""Their points among the 68 iBUG landmarks."""

EYE_MARGIN = 0.12
"""Added above and below the eyes, as a share of their box's width: the paper's 10 pixels on faces of 224."""


OUTSIDE = -2.0
"""A coordinate to which no pixel contributes."""


def eye_and_mouth_crops(images: Tensor, landmarks: Tensor, size: int) -> Tensor:
    """The boxes around eyes and mouth, each padded with black to a square and resized.

    Args:
        images: [B, 3, S, S] uint8.
        landmarks: [B, 68, 2] finite pixels; (0, 0) is the middle of the first one.
        size: of the crops, in pixels.

    Returns:
        [B, 2, 3, size, size] float in 0 to 1, eyes first. What lies outside of the image is black too.
    """
    centre, extent = _boxes(landmarks)
    across = (torch.arange(size, device=images.device) * 2 + 1) / size - 1
    square = torch.stack(torch.meshgrid(across, across, indexing="xy"), dim=-1)
    offset = square * extent.amax(dim=2)[:, :, None, None, None] / 2
    points = (2 * (centre[:, :, None, None] + offset) + 1) / images.shape[-1] - 1
    crops = F.grid_sample(images.float(), points.flatten(1, 2), align_corners=False) / 255
    within = (offset.abs() <= extent[:, :, None, None] / 2).all(dim=-1)
    return crops.unflatten(2, (2, size)).transpose(1, 2) * within[:, :, None]


def pooled_crops(images: Tensor, landmarks: Tensor, size: int, pool: int) -> Tensor:
    """Grey crops as by `eye_and_mouth_crops`, each averaged over squares of `pool` pixels.

    Sampling, padding and averaging are separable, so they are two products with matrices: one for the rows, one
    for the columns. This is faster on a CPU than sampling and pooling.

    Args:
        images: [B, S, S] in 0 to 255.
        landmarks: [B, 68, 2] finite pixels.
        size: of the crops before they are averaged, in pixels.
        pool: divides `size`.

    Returns:
        [B, 2, size / pool, size / pool] float in 0 to 1, eyes first.
    """
    centre, extent = _boxes(landmarks)
    across = (torch.arange(size, device=images.device) * 2 + 1) / size - 1
    # The averaged pixels are in the dimension before the last, where sums are faster.
    offset = across.view(-1, pool).T * extent.amax(dim=2)[:, :, None, None] / 2
    pixels = torch.arange(images.shape[-1], device=images.device)

    def samples(axis: int) -> Tensor:
        """[B, 2, size / pool, S]: the weight of each pixel, by linear interpolation."""
        within = offset.abs() <= extent[:, :, axis, None, None] / 2
        position = (centre[:, :, axis, None, None] + offset).where(within, OUTSIDE)
        return (position[..., None] - pixels).abs_().neg_().add_(1).clamp_(min=0).mean(dim=2)

    rows = (samples(1).flatten(1, 2) @ images).unflatten(1, (2, -1))
    return rows @ samples(0).mT / 255


def _boxes(landmarks: Tensor) -> tuple[Tensor, Tensor]:
    """[B, 68, 2] → the centres and the extents of both boxes, [B, 2, 2] each."""
    boxes = torch.stack([_box(landmarks[:, EYES], EYE_MARGIN), _box(landmarks[:, MOUTH], 0.0)], dim=1)
    return boxes.mean(dim=2), boxes[:, :, 1] - boxes[:, :, 0]


def _box(points: Tensor, margin: float) -> Tensor:
    """[B, points, 2] → [B, 2, 2]: the corners, `margin` × the width higher and lower."""
    low, high = points.amin(dim=1), points.amax(dim=1)
    room = torch.zeros_like(low)
    room[:, 1] = margin * (high - low)[:, 0]
    return torch.stack([low - room, high + room], dim=1)
