"""The frozen first layers of VGG19 (Simonyan & Zisserman 2015), for the generators and the style loss."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torchvision.models.vgg import make_layers

from ssltoolbox.api import UserError
from ssltoolbox.models import create_backbone, load_weights

FULL_WIDTH = 256
"""Channels of relu3_1 in VGG19."""
SKIP, DEEP, DEEPEST = 6, 11, 20
"""Numbers of relu2_1, relu3_1 and relu4_1 among the layers."""


class TrunkMaps(NamedTuple):
    """Maps of images [B, 3, H, W]; for VGG19 itself:

    Attributes:
        skip: [B, 128, H/2, W/2] relu2_1.
        deep: [B, 256, H/4, W/4] relu3_1.
    """

    skip: Tensor
    deep: Tensor


class Trunk(nn.Module):
    """VGG19 up to relu4_1, frozen: gradients pass to its images alone.

    Args:
        width: channels of relu3_1; the other layers are scaled likewise.
    """

    def __init__(self, width: int = FULL_WIDTH) -> None:
        super().__init__()
        one, two, four, eight = width // 4, width // 2, width, 2 * width
        self.features = make_layers([one, one, "M", two, two, "M", four, four, four, four, "M", eight])
        for module in self.features:
            if isinstance(module, nn.Conv2d):
                # torch's own initialisation would let the maps shrink from layer to layer.
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                nn.init.zeros_(module.bias)  # type: ignore[arg-type]
            elif isinstance(module, nn.ReLU):
                module.inplace = False
        self.requires_grad_(False)
        self.skip_dim, self.deep_dim = two, four

    def forward(self, images: Tensor) -> TrunkMaps:
        """[B, 3, H, W] normalised images → the maps that generators use."""
        skip = self.features[: SKIP + 1](images)
        return TrunkMaps(skip, self.features[SKIP + 1 : DEEP + 1](skip))

    def style_maps(self, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """relu2_1, relu3_1 and relu4_1 of [B, 3, H, W] normalised images."""
        skip, deep = self(images)
        return skip, deep, self.features[DEEP + 1 : DEEPEST + 1](deep)


def make_trunk(wanted: str | Path, width: int) -> Trunk:
    """The trunk that the options name; a random one is as narrow as `width`.

    Raises:
        UserError: when ImageNet's weights can't be fetched, or a file is not of VGG19.
    """
    if wanted == "random":
        return Trunk(width)
    trunk = Trunk()
    if isinstance(wanted, Path):
        _load_file(trunk, wanted)
    else:
        trunk.load_state_dict(_imagenet())
    return trunk


def _load_file(trunk: Trunk, path: Path) -> None:
    try:
        load_weights(trunk, path)
    except UserError as error:
        raise UserError(
            f"method.trunk: {error.message}",
            "name a file of VGG19's weights, as torchvision or timm saves them",
        ) from error


def _imagenet() -> Mapping[str, Tensor]:
    """timm's weights of VGG19, as far as the trunk goes."""
    try:
        network = create_backbone("vgg19", weights="imagenet")
    except UserError as error:
        raise UserError(
            error.message.replace("backbone.weights", "method.trunk"),
            "connect this machine once, or name a file of VGG19's weights, or write trunk: random",
        ) from error
    assert isinstance(network.features, nn.Sequential)
    layers: nn.Sequential = network.features[: DEEPEST + 1]
    return {f"features.{name}": value for name, value in layers.state_dict().items()}


@torch.no_grad()
def target_maps(trunk: Trunk, images: Tensor) -> tuple[Tensor, ...]:
    """The style maps of images that nothing learns from."""
    return trunk.style_maps(images)
