"""The generator: draws a face with its expression taken away or put back."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssltoolbox_cycleface.blocks import Residual, conv3, doubled
from ssltoolbox_cycleface.trunk import Trunk, TrunkMaps
from ssltoolbox_cycleface.warp import warp

BLOCKS = 8
"""Residual blocks."""


class Generator(nn.Module):
    """G: the trunk's maps, warped by a field, become an image.

    Args:
        trunk: gives the maps; it is passed to each call, and is no part of the generator.
        width: channels.
        noise: whether to fill what the warp leaves open with noise; it is drawn in evaluation mode too.
    """

    def __init__(self, trunk: Trunk, width: int, noise: bool = True) -> None:
        super().__init__()
        half = width // 2
        self.noise = noise
        self.fill_skip = _filling(trunk.skip_dim)
        self.fill_deep = _filling(trunk.deep_dim)
        self.reduce = nn.Sequential(conv3(trunk.deep_dim, width), nn.ReLU())
        self.residual = nn.Sequential(*(Residual(width) for _ in range(BLOCKS)))
        self.to_half = doubled(width, half)
        self.to_whole = doubled(trunk.skip_dim + half, half)
        self.to_image = conv3(half, 3)

    def forward(self, maps: TrunkMaps, field: Tensor | None = None) -> Tensor:
        """Maps of [B, 3, H, W] images, and perhaps a field [B, 2, h, w] → [B, 3, H, W] normalised images.

        Without a field the image is drawn as it is, without noise.
        """
        skip, deep = maps
        if field is not None:
            deep = warp(deep, field) + self.fill_deep(self._noise(deep))
            skip = warp(skip, field) + self.fill_skip(self._noise(skip))
        halved = self.to_half(self.residual(self.reduce(deep)))
        return self.to_image(self.to_whole(torch.cat([skip, halved], dim=1)))

    def _noise(self, maps: Tensor) -> Tensor:
        """Noise about the mean of each map, [B, C, h, w]."""
        mean = maps.mean(dim=(2, 3), keepdim=True)
        return torch.randn_like(maps) + mean if self.noise else mean.expand_as(maps)


def _filling(channels: int) -> nn.Sequential:
    return nn.Sequential(conv3(channels, channels), nn.ReLU(), conv3(channels, channels), nn.ReLU())
