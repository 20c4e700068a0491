"""Puts the expression of one face on the head of another, for many pairs at once."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox_face_swap import Region
from ssltoolbox_face_swap.blur import gaussian_blur, kernel_radius
from ssltoolbox_face_swap.colours import ColourMatch
from ssltoolbox_face_swap.geometry import (
    JAW,
    eye_distance,
    fill_spans,
    hull_spans,
    inverse,
    move,
    reached_spans,
    region_box,
    region_corners,
    similarity,
)
from ssltoolbox_face_swap.window import Window

_PIXELS_AT_ONCE = 64 * 48 * 48
"""On a CPU, pictures are made in groups of about this many pixels, which stay in a core's cache."""


@torch.inference_mode()
def swap_faces(
    frames: Tensor,
    points: Tensor,
    heads: Tensor,
    head_points: Tensor,
    *,
    blur: float,
    feather: float,
    region: Region = "features",
) -> tuple[Tensor, Tensor]:
    """The faces of `frames` on `heads`: same heads, backgrounds and light, other expressions.

    Args:
        frames, heads: [B, 3, S, S] uint8, B at least 1.
        points, head_points: [B, 68, 2] pixels, usable (see `is_usable`).
        blur: kernel of the blurs that match colours, in distances between the head's eyes.
        feather: kernel of the blur of the region's edge, in the same unit.
        region: what of the face is swapped.

    Returns:
        [B, 3, S, S] uint8 and [B, 68, 2]: the head's jaw line, all else the frame's, where it came to lie.
    """
    # Half precision, which a training step may ask for, is too coarse for coordinates and for 256 shades.
    with torch.autocast(frames.device.type, enabled=False):
        size = frames.shape[-1]
        transforms, eyes = similarity(points, head_points), eye_distance(head_points)
        moved, back = move(points, transforms), inverse(transforms)
        soft = feather * eyes
        corners = region_corners(torch.stack([head_points, moved], dim=1), region)
        window = Window.around(region_box(corners, 2 * kernel_radius(soft), size), size)
        opacity = _opacity(corners, back, window, size)
        if feather:
            opacity = soften(opacity, soft)
        match = ColourMatch.of(kernel_radius(blur * eyes).clamp(max=size - 1), window.height, window.width)
        groups = math.ceil(len(frames) * size**2 / _PIXELS_AT_ONCE) if frames.device.type == "cpu" else 1
        pictures = heads.clone()
        whole = (pictures, frames, heads, back, window, window.grown(match.margin, size), match, opacity)
        for parts in zip(*(part.chunk(groups) for part in whole), strict=True):
            _swap_group(*parts)
    return pictures, torch.cat([head_points[:, JAW], moved[:, JAW.stop :]], dim=1)


def _opacity(corners: Tensor, back: Tensor, window: Window, size: int) -> Tensor:
    """Hulls of [B, H, n, 2] corners, as far as the frame reaches that [B, 2, 3] transforms lead to:
    [B, 1, height, width], 1 there and else 0."""
    regions = hull_spans(corners - window.origin[:, None, None], window.height, window.width)
    reached = reached_spans(back, window.columns, window.rows, size)
    return fill_spans(regions.within(reached), window.width)[:, None]


def _swap_group(
    pictures: Tensor,
    frames: Tensor,
    heads: Tensor,
    back: Tensor,
    window: Window,
    around: Window,
    match: ColourMatch,
    opacity: Tensor,
) -> None:
    """Lays frames onto heads, gives them the heads' colours, and blends them into a window of the pictures.

    The blurs look at as much around it as they reach.
    """
    canvas, warped = around.cut(heads).float(), _warp(frames.float(), back, around)
    blended = match.inner(canvas).lerp(match(warped, canvas), opacity)
    # The conversion by way of int16 is faster on a CPU.
    window.paste(pictures, blended.round_().to(torch.int16).to(torch.uint8))


def _warp(frames: Tensor, back: Tensor, window: Window) -> Tensor:
    """What lies on [B, C, S, S] frames where [B, 2, 3] transforms lead from a window's pixels; borders go on:
    [B, C, height, width]."""
    x, y, shift = (back * (2 / (frames.shape[-1] - 1)))[..., None].unbind(dim=2)
    positions = (x * window.columns[:, None])[:, :, None] + (y * window.rows[:, None] + (shift - 1))[
        ..., None
    ]
    return F.grid_sample(frames, positions.permute(0, 2, 3, 1), padding_mode="border", align_corners=True)


def soften(masks: Tensor, kernel: Tensor) -> Tensor:
    """[B, 1, H, W] masks that fade out beyond their edge, within twice half the kernel.

    They are widened before they are blurred: what they covered stays covered, so that nothing of the head's own
    features shows through.
    """
    return gaussian_blur((gaussian_blur(masks, kernel) > 0).float(), kernel)
