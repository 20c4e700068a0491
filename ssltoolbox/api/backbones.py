"""The contract of backbones. A target is called as `Target(options, setting)`; it is a class or a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BackboneSetting:
    """What a recipe says of its backbone besides the network's own options.

    Attributes:
        name: what the recipe calls it, with the tag, if it has one.
        image_size: height and width of the images that it will see, in pixels.
        pretrained: True if it is to have weights of its own; only with `BackboneDescriptor.pretrained`.
        stem: "small" for images of some 32 to 64 pixels; only of networks that use this key.
    """

    name: str
    image_size: int
    pretrained: bool = False
    stem: Literal["standard", "small"] = "standard"


class Backbone(Protocol):
    """A network that makes features of images; an `nn.Module`.

    It draws its random weights from torch's global generator. The engine loads files of weights into it, and saves
    its `state_dict()` as a run's `backbone.safetensors`. It must take batches of any size, in training and in
    evaluation mode, and images of `setting.image_size`; of other sizes too, where a recipe has local crops.

    Examples:
        >>> import torch
        >>> from ssltoolbox.api import BackboneSetting, Options
        >>> class MeanColour(torch.nn.Module):
        ...     def __init__(self, options, setting):
        ...         super().__init__()
        ...         self.linear = torch.nn.Linear(3, 8)
        ...     def forward(self, images):
        ...         return self.linear(images.mean(dim=(2, 3)))
        >>> network = MeanColour(Options(), BackboneSetting("mean_colour", image_size=48))
        >>> list(network(torch.zeros(2, 3, 48, 48)).shape)
        [2, 8]
    """

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, size, size] normalised images → [B, features] pooled features."""
        ...
