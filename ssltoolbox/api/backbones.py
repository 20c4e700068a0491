"""The contract of backbones. A target is called as `Target(options, setting)`; it is a class or a function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class BackboneSetting:
    """What a recipe says about its backbone, besides the network's own options.

    Attributes:
        name: the name in the recipe, with its tag if it has one.
        image_size: height and width of the images of the run, in pixels.
        pretrained: True if the network must load its pretrained weights; only if
            `BackboneDescriptor.pretrained` is True.
        stem: "small" for images of about 32 to 64 pixels; only if `Descriptor.uses` contains "stem".
    """

    name: str
    image_size: int
    pretrained: bool = False
    stem: Literal["standard", "small"] = "standard"


class Backbone(Protocol):
    """A network that computes features of images; an `nn.Module`.

    It draws its random weights from torch's global generator. The engine loads files of weights into it, and saves
    its `state_dict()` as a run's `backbone.safetensors`. It must accept batches of any size, in training and in
    evaluation mode. It must accept images of `setting.image_size`, and of other sizes if a recipe has local crops.

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
        """[B, 3, size, size] normalised images → [B, feature_dim] pooled features."""
        ...
