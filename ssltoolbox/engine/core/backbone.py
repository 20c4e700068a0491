"""The network of a plan, made by the plugin that has it, and its encoder, which gives the features."""

from __future__ import annotations

import copy
from pathlib import Path

from torch import nn

from ssltoolbox.api import BackboneSetting
from ssltoolbox.models import build_backbone
from ssltoolbox.models.backbone import is_flattened
from ssltoolbox.models.layers import from_layers
from ssltoolbox.plan import Plan
from ssltoolbox.recipe import IMAGENET


def make_backbone(plan: Plan, weights: Path | str | None = None, allow_partial: bool = False) -> nn.Module:
    """A new network as the recipe describes it, random weights drawn from torch's global generator.

    Args:
        plan: of the recipe.
        weights: None for random ones, "imagenet" for those that it comes with, or a file.
        allow_partial: whether a file may lack a part of the network.

    Raises:
        UserError: where it can't be made, or not with these weights.
    """
    pretrained = weights == IMAGENET
    setting = BackboneSetting(
        name=plan.recipe.backbone.name,
        image_size=plan.image_size,
        pretrained=pretrained,
        stem=plan.recipe.backbone.stem,
    )
    provided = plan.backbone.provided
    target = provided.load()
    with provided.blamed_for("making the network"):
        return build_backbone(
            target,
            plan.backbone.options,
            setting,
            None if weights is None or pretrained else Path(weights),
            allow_partial,
            plan.recipe.backbone.from_video,
        )


def encoder_of(backbone: nn.Module, plan: Plan) -> nn.Module:
    """The network that gives the features of the recipe's `backbone.layers`; without them, the backbone itself.

    It has the backbone's tensors. The backbone stays as it is.

    Raises:
        UserError: for layers that the network does not have.
    """
    recipe = plan.recipe.backbone
    if not recipe.layers:
        return backbone
    return from_layers(copy.copy(backbone), recipe.layers, plan.image_size, is_flattened(recipe.options))
