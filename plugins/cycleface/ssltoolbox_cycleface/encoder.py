"""CycleFace's encoder, and the head that makes a code of features."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from timm.data.constants import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
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

    mean: Tensor
    std: Tensor

    def __init__(self, options: EncoderOptions, setting: BackboneSetting) -> None:
        super().__init__()
        one = options.width
        two, four = 2 * one, 4 * one
        late = two if options.branch else four
        self.branch = options.branch
        self.register_buffer("mean", torch.tensor(IMAGENET_DEFAULT_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_DEFAULT_STD)[:, None, None], persistent=False)
        self.conv1 = nn.Sequential(nn.Conv2d(3, one, 7, 2, 3), leaky(), conv3(one, one), leaky())
        self.layer1 = nn.Sequential(conv3(one, one), leaky(), Attention(one), conv3(one, one), leaky())
        self.layer2_1 = nn.Sequential(
            conv3(one, two, stride=2), leaky(), Attention(two), conv3(two, two), leaky()
        )
        self.resblock1 = Residual(two)
        self.resblock2 = Residual(two)
        self.layer2_2 = nn.Sequential(conv3(two, two, stride=2), leaky(), conv3(two, two), leaky())
        self.layer3_1 = nn.Sequential(conv3(two, four, stride=2), leaky(), conv3(four, late), leaky())
        self.layer3_2 = nn.Sequential(conv3(late, late), leaky(), conv3(late, two), leaky())
        init_normal(self)

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, size, size] → [B, features]; with the published width 2048 features of 64 pixels, 6272 of 100."""
        return self.maps(images).flatten(1)

    def maps(self, images: Tensor) -> Tensor:
        """[B, 3, size, size] → [B, 2·width, size/16, size/16], rounded up."""
        if self.branch:  # views normalise, and PCL's images are not normalised
            images = images * self.std + self.mean
        half = self.layer1(self.conv1(images))
        quarter = self.resblock2(self.resblock1(self.layer2_1(half)))
        return self.layer3_2(self.layer3_1(self.layer2_2(quarter)))


def checkpoint_filter_fn(tensors: Mapping[str, Tensor], network: Encoder) -> dict[str, Tensor]:
    """The weights of PCL's encoder under the keys of one with a branch; the other branch keeps its keys.

    The engine calls it; CycleFace's own weights need no change.
    """
    return {
        key.replace(f"layer3_2_{network.branch}.", "layer3_2."): tensor for key, tensor in tensors.items()
    }


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
