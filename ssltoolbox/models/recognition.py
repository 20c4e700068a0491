"""Recognises from the tensors of a file which network they are of, for messages that refuse it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import timm
import torch

from ssltoolbox.models.layouts import WRAPPERS, Tensors
from ssltoolbox.models.matching import Match, match
from ssltoolbox.models.positions import conversion_of

_WIDTHS = {192: "tiny", 384: "small", 768: "base", 1024: "large", 1280: "huge", 1408: "giant", 1536: "giant"}
"""timm's names of vision transformers' sizes, by the width of a token."""

_RESNETS: Mapping[tuple[int, ...], tuple[str, ...]] = {
    (2, 2, 2, 2): ("resnet18", "resnet26"),
    (3, 4, 6, 3): ("resnet50", "resnet34", "wide_resnet50_2", "resnext50_32x4d"),
    (3, 4, 23, 3): ("resnet101", "wide_resnet101_2", "resnext101_32x8d"),
    (3, 8, 36, 3): ("resnet152",),
}
"""timm's ResNets by the number of blocks in each layer."""

_CONVNEXTS = ("convnext_tiny", "convnext_small", "convnext_base", "convnext_large")
_SWINS = tuple(f"swin_{size}_patch4_window7_224" for size in ("tiny", "small", "base", "large"))

_OF_CLIPS = "write backbone.from_video: true and backbone.options: {class_token: false, global_pool: avg}"


@dataclass(frozen=True)
class Likeness:
    """What the tensors of a file look like.

    Attributes:
        words: a network of timm that they fit, or their kind; empty if neither is known.
        advice: what to write in a recipe.
    """

    words: str
    advice: str = "name the file's own network"


def looks_like(tensors: Tensors) -> Likeness:
    """The network of timm that the tensors are of, as far as it can be recognised."""
    for name in _candidates(tensors):
        with torch.device("meta"):
            network = timm.create_model(name, num_classes=0)
        found = match(network.state_dict(), tensors, conversion_of(network))
        advice = f"write backbone.name: {name}"
        if found.complete:
            stem = " and backbone.stem: standard" if hasattr(network, "maxpool") else ""
            return Likeness(f"timm's {name}{_taken(found)}", advice + stem)
        if not found.missing and set(found.misshapen) == {"conv1.weight"}:
            words = f"timm's {name} with a small stem{_taken(found)}"
            return Likeness(words, f"{advice} and backbone.stem: small")
    if any(_patches(tensor)[0] and tensor.ndim == 5 for tensor in tensors.values()):
        return Likeness(_kind(tensors), _OF_CLIPS)
    return Likeness(_kind(tensors))


def _taken(found: Match) -> str:
    """Where in the file the network is, and in whose layout."""
    where = f" under {found.prefix.rstrip('.')}" if found.prefix else ""
    return f"{where}, in the layout of {found.layout.name}" if found.layout.name else where


def _candidates(tensors: Tensors) -> Iterator[str]:
    """Networks of timm to compare with."""
    keys = {WRAPPERS.sub("", key) for key in tensors}
    yield from _RESNETS.get(_layers(keys), ())
    if _any(keys, r"stages\.0\.(blocks\.)?0\.(conv_dw|dwconv)\.weight"):
        yield from _CONVNEXTS
    if _any(keys, r"relative_position_bias_table"):
        yield from _SWINS
    for tensor in tensors.values():
        width, patch = _patches(tensor)
        size = _WIDTHS.get(width)
        if size:
            names = (
                f"vit_{size}_patch{patch}_dinov2",
                f"vit_{size}_patch{patch}_reg4_dinov2",
                f"vit_{size}_patch{patch}_224",
                f"deit3_{size}_patch{patch}_224",
                f"deit_{size}_distilled_patch{patch}_224",
            )
            yield from filter(timm.is_model, names)
            return


def _any(keys: Iterable[str], pattern: str) -> bool:
    return any(re.search(pattern, key) for key in keys)


def _patches(tensor: torch.Tensor) -> tuple[int, int]:
    """Width and side of the patches of a patch embedding [D, 3, p, p] or [D, 3, frames, p, p]; else zeros."""
    if tensor.ndim in (4, 5) and tensor.shape[1] == 3 and tensor.shape[-1] == tensor.shape[-2] > 7:
        return tensor.shape[0], tensor.shape[-1]
    return 0, 0


def _kind(tensors: Tensors) -> str:
    """The kind of network in words."""
    keys = {WRAPPERS.sub("", key) for key in tensors}
    if _any(keys, r"patch_embed\.proj\.0\.weight"):
        return (
            "a vision transformer with a stem of convolutions, as MoCo v3's vit_conv_base, which timm lacks"
        )
    for tensor in tensors.values():
        width, patch = _patches(tensor)
        if width:
            video = f" of clips, {tensor.shape[2]} frames each" if tensor.ndim == 5 else ""
            blocks = max(_count(keys, name) for name in ("blocks", "layer", "layers"))
            size = f"width {width} with {blocks} blocks and patches of {patch} pixels"
            return f"a vision transformer of {size}{video}"
    layers = _layers(keys)
    return f"a ResNet with {', '.join(map(str, layers))} blocks" if all(layers) else ""


def _layers(keys: Iterable[str]) -> tuple[int, ...]:
    """The number of blocks in each layer of a ResNet, by its names or as layers in a Sequential."""
    named = tuple(_count(keys, f"layer{number}") for number in range(1, 5))
    return named if any(named) else tuple(_count(keys, str(number)) for number in range(4, 8))


def _count(keys: Iterable[str], name: str) -> int:
    """The number of blocks in the list of modules of that name."""
    numbers = [re.search(rf"(?:^|\.){name}\.(?:encoder_layer_)?(\d+)\.", key) for key in keys]
    return len({found[1] for found in numbers if found})
