"""A frozen patch embedding keeps its weights, and its momentum copy has the same."""

from __future__ import annotations

import timm
import torch
from helpers.methods import tiny_context
from ssltoolbox_moco_v3 import MoCoV3Options
from ssltoolbox_moco_v3.method import MoCoV3

from ssltoolbox.api import Rows, StepInputs

OPTIONS = MoCoV3Options(hidden_dim=16, output_dim=8, momentum=0.5, freeze_patches=True)


def test_frozen_patches_stay_as_they_are() -> None:
    torch.manual_seed(0)
    backbone = timm.create_model("test_vit", num_classes=0, img_size=32)
    context = tiny_context(backbone=backbone, feature_dim=backbone.num_features, instances=4, steps=10)
    method = MoCoV3(OPTIONS, context)
    patches = [parameter.clone() for parameter in backbone.patch_embed.parameters()]
    others = backbone.blocks[0].mlp.fc1.weight.clone()
    learning = [parameter for parameter in method.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(learning, lr=0.1)
    draw = torch.arange(4).repeat(2)
    method.step(
        StepInputs(*torch.randn(2, 4, 3, 32, 32), Rows(draw, draw, draw, draw.double()))
    ).loss.backward()
    optimiser.step()
    method.before_step(1)
    assert not torch.equal(backbone.blocks[0].mlp.fc1.weight, others)
    for network in (backbone, method.key_backbone):
        for kept, parameter in zip(patches, network.patch_embed.parameters(), strict=True):
            torch.testing.assert_close(parameter.detach(), kept.detach())


def test_frozen_patches_need_a_vision_transformer() -> None:
    assert OPTIONS.also_needs() == {"backbone:vit"}
    assert not MoCoV3Options().also_needs()
