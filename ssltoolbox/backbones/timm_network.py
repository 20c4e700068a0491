"""A network of timm, as a recipe describes it."""

from __future__ import annotations

from torch import nn

from ssltoolbox.api import BackboneSetting
from ssltoolbox.backbones.plugin import TimmBackboneOptions
from ssltoolbox.models.backbone import IMAGENET, create_backbone


def timm_network(options: TimmBackboneOptions, setting: BackboneSetting) -> nn.Module:
    """timm's network of that name; see `create_backbone`.

    Raises:
        UserError: where timm can't make it.
    """
    return create_backbone(
        setting.name,
        weights=IMAGENET if setting.pretrained else None,
        stem=setting.stem,
        image_size=setting.image_size,
        options=options.model_extra,
    )
