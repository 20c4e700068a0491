"""Plugins that were written for API 1 run as they are."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from helpers.runs import run_tiny, write_recipe

PLUGINS = '''
import torch
from torch import nn
from ssltoolbox.api import Descriptor, MethodDescriptor, NegativeMasker, Options
from ssltoolbox.api import PositiveGenerator, StepOutput, hookimpl


class OldOptions(Options):
    """None."""


class Align(nn.Module):
    def __init__(self, options, context):
        super().__init__()
        self.backbone = context.backbone

    def before_step(self, step):
        pass

    def step(self, view_a, view_b, rows):
        a, b = self.backbone(view_a), self.backbone(view_b)
        assert len(rows) == 2 * len(a)
        loss = (a - b).square().mean() - a.std(dim=0).mean()
        return StepOutput(loss, parts={"distance": (a - b).square().mean().detach()}, embeddings=a.detach())


class Darker(PositiveGenerator[OldOptions]):
    def render(self, batch):
        from dataclasses import replace

        assert batch.clip.shape == batch.identity.shape == batch.draw.shape
        return replace(batch, frames=batch.frames // 2)


class Bright(NegativeMasker[OldOptions]):
    attract = 0.0

    def describe(self, batch):
        assert batch.clip.ndim == 1
        return batch.frames.flatten(0, 1).float().mean(dim=(1, 2, 3))[:, None]

    def mask(self, anchors, candidates, eligible):
        assert anchors.descriptor.shape[1] == 1
        return eligible & (anchors.descriptor > candidates.descriptor.T)


@hookimpl
def ssltoolbox_methods():
    yield MethodDescriptor(name="align", summary="Old.", options=OldOptions, target=f"{__name__}:Align",
                           negatives=None, api=1)


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="darker", summary="Old.", options=OldOptions, target=f"{__name__}:Darker", api=1)


@hookimpl
def ssltoolbox_negative_maskers():
    yield Descriptor(name="bright", summary="Old.", options=OldOptions, target=f"{__name__}:Bright", api=1)
'''


@pytest.mark.slow
@pytest.mark.parametrize(
    "sections",
    [
        ("method: align", "positives: [darker]"),
        ("method: simclr", "positives: [darker]", "maskers: [bright]"),
    ],
)
def test_a_run_with_plugins_of_api_1(
    tmp_path: Path, sections: tuple[str, str, str] | tuple[str, str]
) -> None:
    (tmp_path / "old.py").write_text(PLUGINS)
    recipe = write_recipe(tmp_path)
    kept = [
        line
        for line in recipe.read_text().splitlines()
        if line.split(":")[0] not in ("method", "positives", "maskers")
    ]
    recipe.write_text("\n".join([*kept, *sections, "plugins: {files: [old.py]}", ""]))
    folder = run_tiny(recipe, tmp_path / "run").folder
    with folder.metrics.open() as file:
        losses = [float(row["loss"]) for row in csv.DictReader(file)]
    assert len(losses) == 6
    assert np.isfinite(losses).all()
