"""Squares of a batch of images, all of one size, each at a place of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Window:
    """A square of each image.

    Attributes:
        origin: [B, 2] int64, the first pixel, x and y.
        size: height and width in pixels.
    """

    origin: Tensor
    size: int

    @classmethod
    def around(cls, boxes: Tensor, image_size: int) -> Window:
        """The smallest size that all of [B, 2, 2] boxes (first and last pixel) fit into, within the images."""
        size = int((boxes[:, 1] - boxes[:, 0]).max()) + 1
        return cls(boxes[:, 0].clamp(max=image_size - size), size)

    def cut(self, images: Tensor) -> Tensor:
        """[B, C, S, S] → [B, C, size, size]."""
        squares = images.flatten(2).gather(2, self._places(images))
        return squares.unflatten(2, (self.size, self.size))

    def paste(self, images: Tensor, squares: Tensor) -> None:
        """Puts [B, C, size, size] in the place of what `cut` gives; `images` lie in one piece."""
        images.view(*images.shape[:2], -1).scatter_(2, self._places(images), squares.flatten(2))

    def relative(self, points: Tensor) -> Tensor:
        """[B, n, 2] points of the images, in the square's coordinates."""
        return points - self.origin[:, None]

    def transforms_out(self, transforms: Tensor) -> Tensor:
        """[B, 2, 3] transforms out of the images, as transforms out of the squares."""
        shift = transforms[..., 2] + (transforms[..., :2] * self.origin[:, None]).sum(dim=-1)
        return torch.cat([transforms[..., :2], shift[..., None]], dim=2)

    def _places(self, images: Tensor) -> Tensor:
        """[B, C, size²]: where the squares' pixels are among the S² of each channel."""
        x, y = (self.origin[:, :, None] + torch.arange(self.size, device=images.device)).unbind(dim=1)
        places = (y * images.shape[-1])[:, :, None] + x[:, None]
        return places.flatten(1)[:, None].expand(-1, images.shape[1], -1)
