"""CycleFace's encoder, and the head that makes a code of features."""

from __future__ import annotations

from torch import Tensor, nn

from ssltoolbox.api import BackboneSetting
from ssltoolbox_cycleface import EncoderOptions
from ssltoolbox_cycleface.blocks import Attention, Residual, conv3, init_normal, leaky

HIDDEN = 512
"""Width of the head's hidden layer."""


class Encoder(nn.Module):
    """A plain convolutional network whose features are its last map, flattened.

    Its tensors have the names of the published code's `codegeneration`, so that published weights fit.
    """

    def __init__(self, options: EncoderOptions, setting: BackboneSetting) -> None:
        super().__init__()
        one = options.width
        two, four = 2 * one, 4 * one
        self.conv1 = nn.Sequential(nn.Conv2d(3, one, 7, 2, 3), leaky(), conv3(one, one), leaky())
        self.layer1 = nn.Sequential(conv3(one, one), leaky(), Attention(one), conv3(one, one), leaky())
        self.layer2_1 = nn.Sequential(
            conv3(one, two, stride=2), leaky(), Attention(two), conv3(two, two), leaky()
        )
        self.resblock1 = Residual(two)
        self.resblock2 = Residual(two)
        self.layer2_2 = nn.Sequential(conv3(two, two, stride=2), leaky(), conv3(two, two), leaky())
        self.layer3_1 = nn.Sequential(conv3(two, four, stride=2), leaky(), conv3(four, four), leaky())
        self.layer3_2 = nn.Sequential(conv3(four, four), leaky(), conv3(four, two), leaky())
        init_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, size, size] → [B, features]; with the published width 2048 features of 64 pixels, 6272 of 100."""
        return self.maps(images).flatten(1)

    def maps(self, images: Tensor) -> Tensor:
        """[B, 3, size, size] → [B, 2·width, size/16, size/16], rounded up."""
        half = self.layer1(self.conv1(images))
        quarter = self.resblock2(self.resblock1(self.layer2_1(half)))
        return self.layer3_2(self.layer3_1(self.layer2_2(quarter)))


class CodeHead(nn.Module):
    """Two linear layers from features to a code within ±1."""

    def __init__(self, features: int, code_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(features, HIDDEN), leaky(), nn.Linear(HIDDEN, code_dim), nn.Tanh()
        )
        init_normal(self)

    def forward(self, features: Tensor) -> Tensor:
        """[B, features] → [B, code_dim, 1, 1]."""
        return self.layers(features)[:, :, None, None]
