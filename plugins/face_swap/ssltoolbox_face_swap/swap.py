"""Puts the expression of one face on the head of another, for many pairs at once."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox_face_swap.geometry import (
    JAW,
    eye_distance,
    fill_spans,
    hull_spans,
    move,
    region_box,
    region_spans,
    similarity,
)
from ssltoolbox_face_swap.window import Window

DARK = 1.0
"""Blurred values up to this are too dark to divide by ..."""
LIFT = 128.0
"""... and are raised by this much."""
_PIXELS_AT_ONCE = 64 * 64 * 64
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
    # Half precision, which a training step may ask for, is too coarse for coordinates and for 256 shades.
    with torch.autocast(frames.device.type, enabled=False):
        transforms, eyes = similarity(points, head_points), eye_distance(head_points)
        back = similarity(head_points, points)
        moved, corners = move(points, transforms), _moved_corners(transforms, frames.shape[-1])
        margin = torch.maximum(kernel_radius(blur * eyes), 2 * kernel_radius(feather * eyes))
        boxes = region_box(torch.cat([head_points, moved], dim=1), margin, frames.shape[-1])
        group = (
            max(1, _PIXELS_AT_ONCE // frames.shape[-1] ** 2) if frames.device.type == "cpu" else len(frames)
        )
        whole = (frames, heads, back, corners, head_points, moved, eyes, boxes)
        pictures = heads.clone()
        for out, *parts in zip(*(part.split(group) for part in (pictures, *whole)), strict=True):
            _swap_group(out, *parts, blur=blur, feather=feather)
    return pictures, torch.cat([head_points[:, JAW], moved[:, JAW.stop :]], dim=1)


def _swap_group(
    pictures: Tensor,
    frames: Tensor,
    heads: Tensor,
    back: Tensor,
    corners: Tensor,
    head_points: Tensor,
    moved: Tensor,
    eyes: Tensor,
    boxes: Tensor,
    *,
    blur: float,
    feather: float,
) -> None:
    """The frame is laid onto the head and takes its colours; then the region of eyes, brows, nose and mouth, of
    both faces, is taken from it, as far as the frame reaches.

    Only a window of the pictures is worked on: the region, and as much around it as the blurs look at. It touches
    the picture's border or lies so far from the region that its own border doesn't show.
    """
    window = Window.around(boxes, heads.shape[-1])
    size = window.size
    corners, head_points, moved = (window.relative(part) for part in (corners, head_points, moved))
    canvas = window.cut(heads).float()
    warped = _warp(frames.float(), window.transforms_out(back), size)
    faces = match_colours(warped, canvas, blur * eyes)
    regions, reached = region_spans(torch.stack([head_points, moved], dim=1), size), hull_spans(corners, size)
    within = regions.clamp(reached[:, None, :, :1], reached[:, None, :, 1:])
    opacity = fill_spans(within).float()[:, None]
    if feather:
        opacity = soften(opacity, feather * eyes)
    window.paste(pictures, canvas.lerp_(faces, opacity).round_().to(torch.uint8))


def _warp(frames: Tensor, back: Tensor, size: int) -> Tensor:
    """The square of `size` pixels that [B, 2, 3] transforms lay onto [B, C, S, S] frames; borders go on."""
    pixels = torch.arange(size, device=frames.device)
    x, y, shift = (back * (2 / (frames.shape[-1] - 1)))[..., None].unbind(dim=2)
    places = (x * pixels)[:, :, None] + (y * pixels + (shift - 1))[..., None]
    return F.grid_sample(frames, places.permute(0, 2, 3, 1), padding_mode="border", align_corners=True)


def match_colours(images: Tensor, targets: Tensor, kernel: Tensor) -> Tensor:
    """`images` times the ratio of the targets' blur to their own, within 0 to 255.

    The ratio is as smooth as the blurs. So it is found at every σ-th pixel of the narrowest one, and interpolated:
    at 224 pixels that takes a quarter of the time.

    Args:
        images, targets: [B, 3, S, S] in 0 to 255.
        kernel: [B] pixels, see `gaussian_blur`.
    """
    step = max(1, int(_sigma(kernel).min()))
    matrices = _blur_matrices(kernel, images.shape[-1])[:, ::step]
    own, wanted = (_transformed(pixels, matrices) for pixels in (images, targets))
    ratio = wanted / own.add_(own.clone().le_(DARK), alpha=LIFT)
    return _interpolate(ratio, step, images.shape[-1]).mul_(images).clamp_(0, 255)


def soften(masks: Tensor, kernel: Tensor) -> Tensor:
    """[B, 1, S, S] masks that fade out beyond their edge, within twice half the kernel.

    They are widened before they are blurred: what they covered stays covered, so that nothing of the head's own
    features shows through.
    """
    return gaussian_blur((gaussian_blur(masks, kernel) > 0).float(), kernel)


def gaussian_blur(images: Tensor, kernel: Tensor) -> Tensor:
    """Blurs each of [B, C, S, S] images by a kernel of its own.

    Rows and columns are blurred by matrices: at these sizes that is several times as fast as to convolve.

    Args:
        images: float.
        kernel: [B] kernel sizes in pixels; made whole, and odd by adding one where even. The standard deviation
            follows from the size as in OpenCV's GaussianBlur, and the border is mirrored as there.
    """
    return _transformed(images, _blur_matrices(kernel, images.shape[-1]))


def kernel_radius(kernel: Tensor) -> Tensor:
    """Pixels to either side of a kernel's middle."""
    return (kernel / 2).floor()


def _sigma(kernel: Tensor) -> Tensor:
    """The standard deviations, in pixels, of kernels."""
    return 0.3 * (kernel_radius(kernel) - 1) + 0.8


def _transformed(images: Tensor, matrices: Tensor) -> Tensor:
    """[B, C, S, S] and [B, n, S] → [B, C, n, n]: an image's matrix, applied to its rows and to its columns."""
    rows = (images.flatten(1, 2) @ matrices.mT).unflatten(1, images.shape[1:3])
    return torch.stack([matrices @ channel for channel in rows.unbind(dim=1)], dim=1)


def _blur_matrices(kernel: Tensor, size: int) -> Tensor:
    """[B, size, size]: rows are Gaussians about the diagonal, mirrored where they reach beyond the border."""
    far = size - 1
    kernel = kernel.clamp(max=2 * far)[:, None]
    offset = torch.arange(2 * far + 1, device=kernel.device)
    taps = torch.exp(-0.5 * (offset / _sigma(kernel)) ** 2) * (offset <= kernel_radius(kernel))
    taps = taps / (2 * taps.sum(dim=1, keepdim=True) - taps[:, :1])
    beside = torch.cat([taps[:, 1 : far + 1].flip(1), taps[:, : far + 1]], dim=1)
    matrices = beside.unfold(1, size, 1).flip(1)
    matrices[:, :, 1:] += taps.unfold(1, size, 1)[:, :, 1:]
    matrices[:, :, :-1] += taps.flip(1).unfold(1, size, 1)[:, :, :-1]
    return matrices


def _interpolate(images: Tensor, step: int, size: int) -> Tensor:
    """[B, C, n, n], every `step`-th pixel → [B, C, size, size], by cubic convolution (Keys 1981).

    What lies beyond the last one is like it.
    """
    if step == 1:
        return images
    nodes = torch.arange(images.shape[-1], device=images.device)
    places = (torch.arange(size, device=images.device) / step).clamp(max=len(nodes) - 1)
    far = (places[:, None] - nodes).abs().clamp(max=2)
    near = (1.5 * far - 2.5) * far**2 + 1
    weights = torch.where(far < 1, near, ((2.5 - 0.5 * far) * far - 4) * far + 2)
    weights = weights / weights.sum(dim=1, keepdim=True)
    return weights @ (images @ weights.T)


def _moved_corners(transforms: Tensor, size: int) -> Tensor:
    """[B, 4, 2]: where the frames' corners come to lie; between them the frames have pixels."""
    far = size - 1
    corners = transforms.new_tensor([[0, 0], [0, far], [far, 0], [far, far]])
    return move(corners.expand(len(transforms), -1, -1), transforms)
