"""Layers that CycleFace's networks share. All convolutions have a bias; there is no batch norm."""

from __future__ import annotations

import math

from torch import Tensor, nn

SLOPE = 0.1
"""Of the leaky ReLUs."""


def conv3(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution that keeps the size, or halves it with stride 2."""
    return nn.Conv2d(inputs, outputs, 3, stride, 1)


def leaky() -> nn.LeakyReLU:
    """The activation of most layers."""
    return nn.LeakyReLU(SLOPE)


class Attention(nn.Module):
    """act(x + A·g), with A = φ·θᵀ between channels, so that the cost is linear in positions.

    θ is a softmax over positions, g a softmax over channels.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.g = nn.Conv2d(channels, channels, 1)
        self.theta = nn.Conv2d(channels, channels, 1)
        self.phi = nn.Conv2d(channels, channels, 1)
        self.act = leaky()

    def forward(self, maps: Tensor) -> Tensor:
        """[B, C, h, w] → [B, C, h, w]."""
        g = self.g(maps).flatten(2).softmax(dim=1)
        theta = self.theta(maps).flatten(2).softmax(dim=2)
        phi = self.phi(maps).flatten(2)
        attended = phi @ theta.transpose(1, 2) @ g
        return self.act(maps + attended.view(maps.shape))


class Residual(nn.Module):
    """act(x + conv(act(conv(x))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3(channels, channels)
        self.conv2 = conv3(channels, channels)
        self.act = leaky()

    def forward(self, maps: Tensor) -> Tensor:
        """[B, C, h, w] → [B, C, h, w]."""
        return self.act(maps + self.conv2(self.act(self.conv1(maps))))


def doubled(inputs: int, outputs: int) -> nn.Sequential:
    """[B, inputs, h, w] → [B, outputs, 2h, 2w]: a transposed convolution and a convolution."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, kernel_size=4, stride=2, padding=1),
        nn.ReLU(),
        conv3(outputs, outputs),
        nn.ReLU(),
    )


def init_normal(network: nn.Module) -> None:
    """Normal weights and no biases: of convolutions with σ = √(2/(k²·out)), of linear layers with σ = 0.01."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            spread = math.sqrt(2 / (module.kernel_size[0] * module.kernel_size[1] * module.out_channels))
        elif isinstance(module, nn.Linear):
            spread = 0.01
        else:
            continue
        nn.init.normal_(module.weight, 0.0, spread)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
