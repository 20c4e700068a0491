"""The network for methods and tasks under test: named by the user, of the family that they need, or a tiny one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import timm
import torch
from torch import nn

from ssltoolbox.api import BackboneSetting, Kind, UserError
from ssltoolbox.api.needs import families_in
from ssltoolbox.models import build_backbone, feature_dim
from ssltoolbox.recipe import BackboneSection
from ssltoolbox.registry import discover
from ssltoolbox.testing.rules import Subject, WrongInput

TINY_SIZE, TINY_FEATURES = 16, 8
IMAGE_SIZES = (64, 224)
"""Heights and widths of images to try with a named network; the first that it accepts is used."""
SMALL = {"vit": "vit_tiny_patch16_224", "resnet": "resnet10t", "convnext": "convnext_atto"}
"""Small networks of families whose shortest name is a large one."""


@dataclass(frozen=True, eq=False)
class Network:
    """A backbone with random weights.

    Attributes:
        backbone: [B, 3, size, size] → [B, dim].
        size: height and width of its images.
        dim: the number of its features.
    """

    backbone: nn.Module
    size: int
    dim: int


def network_for(subject: Subject, seed: int = 0) -> Network:
    """A new network, the same for the same component and seed.

    Raises:
        WrongInput: where the named network can't be made, or timm knows none of the kind that the component needs.
    """
    named = subject.around.network or _needed(subject.needs)
    size = subject.around.image_size
    with torch.random.fork_rng(devices=()):
        torch.manual_seed(seed)
        if named is None:
            return Network(_tiny(), TINY_SIZE, TINY_FEATURES)
        return _made(named, IMAGE_SIZES if size is None else (size,), subject.around.files)


def _tiny() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, TINY_FEATURES, 3, 2),
        nn.BatchNorm2d(TINY_FEATURES),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def _made(named: BackboneSection, sizes: Iterable[int], files: Sequence[Path]) -> Network:
    for size in sizes:
        try:
            backbone = _network(named, size, files)
            return Network(backbone, size, feature_dim(backbone, size))
        except UserError as error:
            refusal = error
    raise WrongInput(refusal.message, refusal.hint)


def _network(named: BackboneSection, size: int, files: Sequence[Path]) -> nn.Module:
    provided = discover(files).get(Kind.BACKBONES, named.name)
    options = provided.descriptor.options.model_validate_json(json.dumps(named.options))
    setting = BackboneSetting(named.name, size, stem=named.stem)
    return build_backbone(provided.load(), options, setting)


def _needed(needs: Iterable[str]) -> BackboneSection | None:
    """A small network of the family that a need such as `backbone:vit` names."""
    for family, *_ in families_in(needs):
        known = sorted(timm.list_models(f"{family}*"), key=lambda name: (len(name), name))
        if not known:
            raise WrongInput(
                f"it needs a network of the family {family}, and timm has none", "name one: --backbone NAME"
            )
        return BackboneSection(name=SMALL.get(family, known[0]))
    return None
