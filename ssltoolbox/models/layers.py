"""Features from layers inside a network, instead of its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.api.suggest import suggest
from ssltoolbox.models.backbone import of_a_black_image

M = TypeVar("M", bound=nn.Module)


def from_layers(network: M, layers: Sequence[str], image_size: int, flat: bool = False) -> M:
    """The network itself, whose features are now the outputs of these layers, one after the other.

    Layers before the last often contain more information about a task that the network was not trained for. Goyal
    et al., Scaling and Benchmarking Self-Supervised Visual Representation Learning, ICCV 2019, measure each layer.
    Caron et al. (DINO), ICCV 2021, put the last four blocks of a transformer together. A copy of the network works
    in the same way.

    Args:
        network: of timm, [B, 3, S, S] → [B, F]. Its class becomes a subclass of what it was.
        layers: names that timm gives them, such as `layer3` or `blocks.10`; see `layer_names`.
        image_size: height and width of an image that is tried.
        flat: take all values of a layer's map, instead of their mean over the image.

    Raises:
        UserError: for a network that does not give the outputs of its layers, and for unknown names.
    """
    names = layer_names(network)
    if not names:
        raise UserError(
            f"backbone.layers: this {type(network).__name__} does not say which layers it has",
            "remove layers; networks of timm have it",
        )
    for layer in layers:
        if layer not in names:
            near = suggest(layer, names)
            raise UserError(
                f"backbone.layers: the backbone has no layer {layer!r}; it has: {', '.join(names)}",
                f"did you mean {near!r}?" if near else "",
            )
    own = type(network)
    network.__class__ = type(own.__name__, (_FromLayers, own), {"__module__": own.__module__})
    network.feature_layers = tuple(sorted({names.index(layer) for layer in layers}))  # type: ignore[assignment]
    network.flat_features = flat  # type: ignore[assignment]
    try:
        of_a_black_image(network, image_size)
    except (AttributeError, AssertionError, RuntimeError, TypeError, ValueError) as error:
        raise UserError(
            f"backbone.layers: the backbone does not give the outputs of its layers: {first_line(error)}",
            "remove layers; timm's ResNets and vision transformers have it",
        ) from error
    return network


def layer_names(network: nn.Module) -> list[str]:
    """Names of the layers whose outputs a network of timm gives, from the first to the last."""
    infos = getattr(network, "feature_info", None)
    if infos is None or not hasattr(network, "forward_intermediates"):
        return []
    return [str(info["module"]) for info in infos]


class _FromLayers(nn.Module):
    """The class that `from_layers` puts before that of a network."""

    feature_layers: tuple[int, ...]
    flat_features: bool
    forward_intermediates: Any

    def forward(self, images: Tensor) -> Tensor:
        """[B, 3, S, S] → [B, F]."""
        maps = self.forward_intermediates(
            images, indices=list(self.feature_layers), norm=True, stop_early=True, intermediates_only=True
        )
        return torch.cat(
            [each.flatten(1) if self.flat_features else each.mean((2, 3)) for each in maps], dim=1
        )
