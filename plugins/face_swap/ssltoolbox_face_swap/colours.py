"""Matches the colours of an image to those of another, by the ratio of their blurs."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ssltoolbox_face_swap.blur import blur_matrices, kernel_sigma, transformed

DARK = 1.0
"""Blurred values up to this are too dark to divide by; `LIFT` is added to them."""
LIFT = 128.0


@dataclass(frozen=True, eq=False)
class ColourMatch:
    """Multiplies images by the ratio of other images' blurs to their own.

    The ratio is as smooth as the blurs. So it is computed on a grid with steps of at most the smallest σ, and
    interpolated.

    Attributes:
        margin: pixels around each image that the blurs look at.
        blurs: [B, n, H + 2 · margin] and [B, m, W + 2 · margin], see `blur_matrices`.
        between: [H, n] and [W, m], see `_cubic`; None if the ratio is computed at every pixel.
    """

    margin: int
    blurs: tuple[Tensor, Tensor]
    between: tuple[Tensor, Tensor] | None

    @classmethod
    def of(cls, radius: Tensor, height: int, width: int) -> ColourMatch:
        """For [B] radii of blurs, in whole pixels, and images of one size."""
        radii, which = radius.unique(return_inverse=True)
        margin, step = int(radii[-1]), float(kernel_sigma(radii[0]))
        nodes = [_nodes(size, step, radius.device) for size in (height, width)]
        rows, columns = (
            blur_matrices(radii, margin, positions).index_select(0, which) for positions in nodes
        )
        between = None if step < 2 else (_cubic(height, rows), _cubic(width, columns))
        return cls(margin, (rows, columns), between)

    def chunk(self, groups: int) -> list[ColourMatch]:
        """The matches of `groups` chunks of the batch."""
        rows, columns = (matrices.chunk(groups) for matrices in self.blurs)
        return [ColourMatch(self.margin, pair, self.between) for pair in zip(rows, columns, strict=True)]

    def inner(self, images: Tensor) -> Tensor:
        """Images without their margin."""
        low = self.margin
        return images[..., low : images.shape[-2] - low, low : images.shape[-1] - low]

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """[B, C, H + 2 · margin, W + 2 · margin] twice, in 0 to 255 → [B, C, H, W], in 0 to 255."""
        own, wanted = (transformed(pixels, *self.blurs) for pixels in (images, targets))
        ratio = (wanted / own.add_(own.clone().le_(DARK), alpha=LIFT)).contiguous()
        if self.between:
            ratio = self.between[0] @ ratio @ self.between[1].T
        return ratio.mul_(self.inner(images)).clamp_(0, 255)


def _nodes(size: int, step: float, device: torch.device) -> Tensor:
    """Places evenly over so many pixels, the first and the last among them, at most `step` apart; all of them
    where that saves little."""
    count = size if step < 2 else 1 + math.ceil((size - 1) / step)
    return torch.linspace(0, size - 1, count, device=device)


def _cubic(size: int, found: Tensor) -> Tensor:
    """[size, n]: weights of cubic convolution (Keys 1981) for what is found, [B, n, …], at `_nodes`."""
    count = found.shape[1]
    positions = torch.linspace(0, count - 1, size, device=found.device)
    far = (positions[:, None] - torch.arange(count, device=found.device)).abs_().clamp_(max=2)
    near = (1.5 * far - 2.5) * far**2 + 1
    weights = torch.where(far < 1, near, ((2.5 - 0.5 * far) * far - 4) * far + 2)
    return weights / weights.sum(dim=1, keepdim=True)
