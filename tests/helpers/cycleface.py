"""Tiny methods of the plugin cycleface, and their inputs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import yaml
from ssltoolbox_cycleface import LAST_CHECKPOINT, CycleFaceOptions, EncoderOptions
from ssltoolbox_cycleface.encoder import Encoder
from ssltoolbox_cycleface.method import CycleFace
from torch import nn

from helpers.methods import tiny_context
from ssltoolbox.api import BackboneSetting, Rows, StepInputs

SIZE = 32
TINY = {"trunk": "random", "width": 8, "code_dim": 16}


def tiny_encoder() -> nn.Module:
    return Encoder(EncoderOptions(width=8), BackboneSetting("cycleface_encoder", SIZE))


def build(seed: int = 0, **options: Any) -> CycleFace:
    torch.manual_seed(seed)
    context = tiny_context(
        backbone=tiny_encoder(), feature_dim=64, new_backbone=tiny_encoder, image_size=SIZE
    )
    return CycleFace(CycleFaceOptions(**TINY | options), context)


def inputs(step: int = 0, count: int = 4) -> StepInputs:
    """Smooth faces of two sides, [count, 3, SIZE, SIZE]."""
    generator = torch.Generator().manual_seed(step)
    coarse = torch.randn(2 * count, 3, 5, 5, generator=generator)
    view_a, view_b = nn.functional.interpolate(coarse, (SIZE, SIZE), mode="bilinear").chunk(2)
    number = torch.arange(count).repeat(2)
    return StepInputs(view_a, view_b, Rows(number, number, number, number.double()))


def run_of(method: CycleFace, folder: Path, backbone: str = "cycleface_encoder", **options: Any) -> Path:
    """A run folder as stage 1 leaves it."""
    (folder / LAST_CHECKPOINT).parent.mkdir(parents=True)
    state = {f"method.{key}": value for key, value in method.state_dict().items()}
    torch.save({"state_dict": state, "global_step": 1}, folder / LAST_CHECKPOINT)
    recipe = {"method": {"name": "cycleface", **TINY, **options}, "backbone": {"name": backbone}}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    return folder
