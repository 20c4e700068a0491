"""The network. This module is imported only when a run needs it."""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from ssltoolbox.api import BackboneSetting
from ssltoolbox_plain_cnn import PlainCNNOptions


class PlainCNN(nn.Module):
    """Each layer halves the image and doubles the channels."""

    def __init__(self, options: PlainCNNOptions, setting: BackboneSetting) -> None:
        super().__init__()
        widths = [3, *(options.width * 2**layer for layer in range(options.depth))]
        self.layers = nn.Sequential(*(_layer(inside, outside) for inside, outside in pairwise(widths)))

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, size, size] → [B, width · 2^(depth - 1)]"""
        features: Tensor = self.layers(images)
        return features.mean(dim=(2, 3))


def _layer(inside: int, outside: int) -> nn.Module:
    convolution = nn.Conv2d(inside, outside, kernel_size=3, stride=2, padding=1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside), nn.ReLU())
