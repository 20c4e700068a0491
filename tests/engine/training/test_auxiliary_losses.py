"""Auxiliary losses of a recipe are added to the loss of its method."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from helpers.runs import run_tiny, write_recipe

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.training.optim import build_optimiser, maker
from ssltoolbox.plan import load_plan
from ssltoolbox.testing import check_plugin

PLUGIN = '''
import torch
from torch import nn
from ssltoolbox.api import AuxiliaryLoss, AuxiliaryLossOptions, Descriptor, hookimpl


class TargetOptions(AuxiliaryLossOptions):
    """Nothing but the weight."""


class Target(nn.Module, AuxiliaryLoss[TargetOptions]):
    """Features are drawn to a point that is learned."""

    def __init__(self, options, context):
        nn.Module.__init__(self)
        self.options = options
        self.point = nn.Parameter(torch.zeros(context.feature_dim))

    def loss(self, inputs):
        return (inputs.features - self.point).square().mean()


@hookimpl
def ssltoolbox_auxiliary_losses():
    yield Descriptor(name="target", summary="Features are drawn to a point.", options=TargetOptions,
                     target=f"{__name__}:Target", api=2)
'''


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(PLUGIN)
    path = write_recipe(tmp_path)
    path.write_text(path.read_text() + "losses: [{name: target, weight: 0.5}]\nplugins: {files: [mine.py]}\n")
    return path


def logged(folder: RunFolder) -> list[dict[str, str]]:
    return list(csv.DictReader(folder.metrics.read_text().splitlines()))


def test_its_parameters_are_optimised(recipe: Path) -> None:
    plan = load_plan(recipe)
    method, losses = Components(plan).learners(distributed=False)
    optimiser = build_optimiser(method, plan.recipe.optim, maker(plan.optimiser), losses=losses)
    (point,) = losses.parameters()
    assert any(point is parameter for group in optimiser.param_groups for parameter in group["params"])


@pytest.mark.slow
def test_its_loss_is_added_and_logged(recipe: Path, tmp_path: Path) -> None:
    whole = run_tiny(recipe, tmp_path / "whole").folder
    rows = logged(whole)
    assert all(float(row["target_loss"]) > 0 for row in rows)
    plain = run_tiny(recipe, tmp_path / "plain", "losses=[]").folder
    added = float(rows[0]["loss"]) - float(logged(plain)[0]["loss"])
    assert added == pytest.approx(0.5 * float(rows[0]["target_loss"]), rel=1e-3)


def test_the_kit_takes_it(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    check_plugin(tmp_path / "mine.py")
