"""The normaliser: takes the identity out of a neutral face, or puts it back."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox_cycleface.blocks import Residual, conv3
from ssltoolbox_cycleface.trunk import Trunk

BLOCKS = 7
"""Residual blocks."""
Direction = Literal["away", "back"]


class Modulation(nn.Module):
    """Instance norm, times γ(code), plus β(code)."""

    def __init__(self, code_dim: int, channels: int) -> None:
        super().__init__()
        self.beta = nn.Conv2d(code_dim, channels, 1)
        self.gamma = nn.Conv2d(code_dim, channels, 1)

    def forward(self, maps: Tensor, code: Tensor) -> Tensor:
        """[B, C, h, w] and [B, code_dim, 1, 1] → [B, C, h, w]."""
        return F.instance_norm(maps) * self.gamma(code) + self.beta(code)


class Normaliser(nn.Module):
    """N: an affine change of normalised features, made from an identity code.

    Args:
        trunk: gives the features; it is passed to each call, and is no part of the normaliser.
        code_dim: of the identity code.
        width: channels.
    """

    def __init__(self, trunk: Trunk, code_dim: int, width: int) -> None:
        super().__init__()
        half = width // 2
        self.away = Modulation(code_dim, trunk.deep_dim)
        self.back = Modulation(code_dim, trunk.deep_dim)
        start = nn.Identity() if trunk.deep_dim == width else conv3(trunk.deep_dim, width)
        self.residual = nn.Sequential(start, *(Residual(width) for _ in range(BLOCKS)))
        self.to_image = nn.Sequential(
            nn.ConvTranspose2d(width, half, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            conv3(half, half),
            nn.ReLU(),
            nn.ConvTranspose2d(half, half, kernel_size=4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(half, 3, 1),
        )

    def forward(self, deep: Tensor, code: Tensor, direction: Direction) -> Tensor:
        """The trunk's relu3_1 of faces, and their codes [B, code_dim, 1, 1] → [B, 3, H, W] normalised images.

        `away` gives the mean face of all people, `back` a neutral face of one person.
        """
        modulation = self.away if direction == "away" else self.back
        return self.to_image(self.residual(modulation(deep, code)))
