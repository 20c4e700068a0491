"""The optimisers by name, and which parameters are decayed."""

from typing import Any

import pytest
import timm
import torch
from lightly.utils.lars import LARS
from torch import nn

from ssltoolbox.api import Kind
from ssltoolbox.engine.training.optim import build_optimiser, maker
from ssltoolbox.plan import choose_one
from ssltoolbox.recipe import Optim

KINDS = {"adamw": torch.optim.AdamW, "adam": torch.optim.Adam, "sgd": torch.optim.SGD, "lars": LARS}


def build(model: nn.Module, optim: Optim, **settings: Any) -> torch.optim.Optimizer:
    return build_optimiser(model, optim, maker(choose_one(Kind.OPTIMISERS, optim.name)), **settings)


@pytest.mark.parametrize("name", KINDS)
def test_each_optimiser_is_made_and_learns(name: str) -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    optimiser = build(model, Optim(name=name, lr=0.01, weight_decay=0.1))
    assert type(optimiser) is KINDS[name]
    before = [parameter.detach().clone() for parameter in model.parameters()]
    model(torch.randn(8, 4)).square().sum().backward()
    optimiser.step()
    changed = [not torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True)]
    assert changed[0]
    assert changed[-1]
    assert {group["lr"] for group in optimiser.param_groups} == {0.01}


def test_fused_is_the_same() -> None:
    moved = []
    for fused in (True, False):
        torch.manual_seed(0)
        model = nn.Linear(4, 4)
        optimiser = build(model, Optim(lr=0.01), fused=fused)
        assert optimiser.defaults["fused"] is fused
        model(torch.randn(8, 4)).square().sum().backward()
        optimiser.step()
        moved.append(model.weight.detach())
    torch.testing.assert_close(*moved)


def decayed(model: nn.Module, **settings: Any) -> set[str]:
    optimiser = build(model, Optim(lr=0.1, weight_decay=0.1, **settings))
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    return {
        names[id(parameter)]
        for group in optimiser.param_groups
        if group["weight_decay"]
        for parameter in group["params"]
    }


def test_norms_and_biases_are_left_alone() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
    assert decayed(model) == {"0.weight", "2.weight"}


def test_norms_and_biases_decay_only_with_the_option() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    assert decayed(model, decay_norm_and_bias=True) == {"0.weight", "0.bias", "1.weight", "1.bias"}


def test_what_timm_asks_for_is_left_alone_inside_a_method() -> None:
    method = nn.Module()
    method.backbone = timm.create_model("test_vit", num_classes=0)
    names = decayed(method)
    assert "backbone.blocks.0.attn.qkv.weight" in names
    assert not names & {f"backbone.{name}" for name in method.backbone.no_weight_decay()}


def test_frozen_parameters_are_not_given_to_the_optimiser() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    model[0].requires_grad_(False)
    optimiser = build(model, Optim(lr=0.1))
    given = {id(parameter) for group in optimiser.param_groups for parameter in group["params"]}
    assert given == {id(parameter) for parameter in model[1].parameters()}
