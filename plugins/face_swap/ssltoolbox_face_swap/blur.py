"""Gaussian blurs as products with matrices, which at these sizes is faster than convolution."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def gaussian_blur(images: Tensor, kernel: Tensor) -> Tensor:
    """Blurs each of [B, C, H, W] images by a kernel of its own.

    Args:
        images: float.
        kernel: [B] kernel sizes in pixels; made whole, and odd by adding one where even. The standard deviation
            follows from the size as in OpenCV's GaussianBlur, and the border is mirrored as there.
    """
    radius = kernel_radius(kernel).clamp(max=min(images.shape[-2:]) - 1)
    margin = int(radius.max())
    pixels = (torch.arange(size, device=images.device) for size in images.shape[-2:])
    mirrored = F.pad(images, [margin] * 4, mode="reflect")
    return transformed(mirrored, *(blur_matrices(radius, margin, positions) for positions in pixels))


def kernel_radius(kernel: Tensor) -> Tensor:
    """Pixels to either side of a kernel's middle."""
    return (kernel / 2).floor()


def kernel_sigma(radius: Tensor) -> Tensor:
    """The standard deviation of a kernel of that radius, in pixels."""
    return 0.3 * (radius - 1) + 0.8


def blur_matrices(radius: Tensor, margin: int, positions: Tensor) -> Tensor:
    """Gaussians about positions in an image with a margin: [B, n, size + 2 · margin].

    Args:
        radius: [B] whole pixels to either side, where the Gaussians are cut off.
        margin: of the image, in pixels.
        positions: [n] from 0, the first pixel behind the margin, to the last one before it; may be fractions.
    """
    radius = radius[:, None, None]
    pixels = torch.arange(-margin, int(positions[-1]) + margin + 1, device=positions.device)
    distance = torch.minimum((pixels - positions[:, None]).abs_(), radius + 1)
    taps = (distance / kernel_sigma(radius)).square_().mul_(-0.5).exp_()
    taps *= (radius + 1 - distance).clamp_(max=1)
    return taps / taps.sum(dim=2, keepdim=True)


def transformed(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """[B, C, H, W] by an image's matrices [B, n, H] and [B, m, W]: [B, C, n, m]."""
    across = columns @ images.flatten(1, 2).mT
    along = rows @ across.view(len(images), -1, images.shape[2]).mT
    return along.unflatten(2, (-1, images.shape[1])).permute(0, 3, 1, 2)
