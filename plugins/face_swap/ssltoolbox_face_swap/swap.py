"""Puts the expression of one face on the head of another, for many pairs at once."""

from __future__ import annotations

import torch
from kornia.filters import filter2d_separable
from kornia.geometry.transform import warp_affine
from torch import Tensor

from ssltoolbox_face_swap.geometry import JAW, expressive_region, eye_distance, fill_hull, move, similarity

DARK = 1.0
"""Blurred values up to this are too dark to divide by ..."""
LIFT = 128.0
"""... and are raised by this much."""
_PIXELS_AT_ONCE = 32 * 64 * 64
"""On a CPU, pictures are made in groups of about this many pixels, which stay in a core's cache."""


def swap_faces(
    frames: Tensor, points: Tensor, heads: Tensor, head_points: Tensor, *, blur: float, feather: float
) -> tuple[Tensor, Tensor]:
    """The faces of `frames` on `heads`: same heads, backgrounds and light, other expressions.

    Args:
        frames, heads: [B, 3, S, S] uint8, B at least 1.
        points, head_points: [B, 68, 2] pixels, usable (see `is_usable`).
        blur: kernel of the blurs that match colours, in distances between the head's eyes.
        feather: kernel of the blur of the region's edge, in the same unit.

    Returns:
        [B, 3, S, S] uint8 and [B, 68, 2]: the head's jaw line, all else the frame's, where it came to lie.
    """
    group = max(1, _PIXELS_AT_ONCE // frames.shape[-1] ** 2) if frames.device.type == "cpu" else len(frames)
    groups = zip(*(part.split(group) for part in (frames, points, heads, head_points)), strict=True)
    # Half precision, which a training step may ask for, is too coarse for coordinates and for 256 shades.
    with torch.autocast(frames.device.type, enabled=False):
        pictures, landmarks = zip(
            *(_swap_group(*parts, blur=blur, feather=feather) for parts in groups), strict=True
        )
    return torch.cat(pictures), torch.cat(landmarks)


def _swap_group(
    frames: Tensor, points: Tensor, heads: Tensor, head_points: Tensor, *, blur: float, feather: float
) -> tuple[Tensor, Tensor]:
    """The frame is laid onto the head and takes its colours; then the region of eyes, brows, nose and mouth, of
    both faces, is taken from it, as far as the frame reaches."""
    size = frames.shape[-1]
    canvas, eyes = heads.float(), eye_distance(head_points)
    transforms = similarity(points, head_points)
    moved = move(points, transforms)
    warped = warp_affine(frames.float(), transforms, (size, size), padding_mode="border", align_corners=True)
    faces = match_colours(warped, canvas, blur * eyes)
    region = expressive_region(head_points, size) | expressive_region(moved, size)
    opacity = (region & _reach(transforms, size)).float()[:, None]
    if feather:
        opacity = soften(opacity, feather * eyes)
    pixels = torch.lerp(canvas, faces, opacity).round().to(torch.uint8)
    return pixels, torch.cat([head_points[:, JAW], moved[:, JAW.stop :]], dim=1)


def match_colours(images: Tensor, targets: Tensor, kernel: Tensor) -> Tensor:
    """`images` times the ratio of the targets' blur to their own, within 0 to 255.

    Args:
        images, targets: [B, 3, S, S] in 0 to 255.
        kernel: [B] pixels, see `gaussian_blur`.
    """
    own, wanted = gaussian_blur(torch.cat([images, targets], dim=1), kernel).chunk(2, dim=1)
    own = torch.where(own <= DARK, own + LIFT, own)
    return (images * wanted / own).clamp(0, 255)


def soften(masks: Tensor, kernel: Tensor) -> Tensor:
    """[B, 1, S, S] masks that fade out beyond their edge, within twice half the kernel.

    They are widened before they are blurred: what they covered stays covered, so that nothing of the head's own
    features shows through.
    """
    return gaussian_blur((gaussian_blur(masks, kernel) > 0).float(), kernel)


def gaussian_blur(images: Tensor, kernel: Tensor) -> Tensor:
    """Blurs each of [B, C, S, S] images by a kernel of its own.

    Args:
        images: float.
        kernel: [B] kernel sizes in pixels; made whole, and odd by adding one where even. The standard deviation
            follows from the size as in OpenCV's GaussianBlur, and the border is mirrored as there.
    """
    radius = (kernel / 2).floor().clamp(max=images.shape[-1] - 1)[:, None]
    widest = int(radius.max())
    offset = torch.arange(-widest, widest + 1, device=images.device)
    sigma = 0.3 * (radius - 1) + 0.8
    weights = torch.exp(-0.5 * (offset / sigma) ** 2) * (offset.abs() <= radius)
    weights = weights / weights.sum(dim=1, keepdim=True)
    return filter2d_separable(images, weights, weights)


def _reach(transforms: Tensor, size: int) -> Tensor:
    """Where the transformed frames have pixels: [B, size, size] bool."""
    far = size - 1
    corners = transforms.new_tensor([[0, 0], [0, far], [far, 0], [far, far]])
    return fill_hull(move(corners.expand(len(transforms), -1, -1), transforms), size)
