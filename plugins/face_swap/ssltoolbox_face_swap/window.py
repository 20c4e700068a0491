"""Rectangles in a batch of images: one size, another position in each image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Window:
    """A rectangle of each image.

    Attributes:
        origin: [B, 2] int64, the first pixel, x and y; may lie beyond the image.
        columns, rows: [B, width] and [B, height] int64, where its pixels are in the images, which are mirrored
            beyond their border.
    """

    origin: Tensor
    columns: Tensor
    rows: Tensor

    @classmethod
    def at(cls, origin: Tensor, width: int, height: int, image_size: int) -> Window:
        """Reaches beyond square images by less than their size."""
        pixels = origin[..., None] + torch.arange(max(width, height), device=origin.device)
        mirrored = (pixels.abs_() - (image_size - 1)).abs_().neg_().add_(image_size - 1)
        return cls(origin, mirrored[:, 0, :width], mirrored[:, 1, :height])

    @classmethod
    def around(cls, boxes: Tensor, image_size: int) -> Window:
        """The smallest size that all of [B, 2, 2] boxes (first and last pixel) fit into, within the images."""
        low, high = boxes.unbind(dim=1)
        size = (high - low).amax(dim=0) + 1
        width, height = size.tolist()
        return cls.at(torch.minimum(low, image_size - size), width, height, image_size)

    @property
    def height(self) -> int:
        """In pixels."""
        return self.rows.shape[1]

    @property
    def width(self) -> int:
        """In pixels."""
        return self.columns.shape[1]

    def grown(self, margin: int, image_size: int) -> Window:
        """The same with `margin` pixels more on all sides, also where the images end."""
        return Window.at(self.origin - margin, self.width + 2 * margin, self.height + 2 * margin, image_size)

    def chunk(self, groups: int) -> list[Window]:
        """The windows of `groups` chunks of the batch."""
        chunks = (tensor.chunk(groups) for tensor in (self.origin, self.columns, self.rows))
        return [Window(*chunk) for chunk in zip(*chunks, strict=True)]

    def cut(self, images: Tensor) -> Tensor:
        """[B, C, S, S] → [B, C, height, width]."""
        pieces = images.flatten(2).gather(2, self._pixel_indices(images))
        return pieces.unflatten(2, (self.height, self.width))

    def paste(self, images: Tensor, pieces: Tensor) -> None:
        """Writes [B, C, height, width] where `cut` reads; `images` must be contiguous."""
        images.view(*images.shape[:2], -1).scatter_(2, self._pixel_indices(images), pieces.flatten(2))

    def _pixel_indices(self, images: Tensor) -> Tensor:
        """[B, C, height · width]: indices of the pixels among the S² of each channel."""
        indices = (self.rows * images.shape[-1])[:, :, None] + self.columns[:, None]
        return indices.flatten(1)[:, None].expand(-1, images.shape[1], -1)
