"""Runs with optimisers and schedules of every origin, and mistakes in their options."""

from __future__ import annotations

from pathlib import Path

import pytest
import safetensors.torch
import timm.optim
import torch
from helpers.runs import halted_at, run_tiny, write_recipe

from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run as cli_run
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.training.trainer import build_module
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError
from ssltoolbox.support.timm_names import timm_optimisers

OLD = "optim: {lr: 1e-3, warmup_epochs: 1}"
PLUGIN = """
import torch
from ssltoolbox.api import Descriptor, hookimpl


class Averaged(torch.optim.Optimizer):
    def __init__(self, options, groups, setting):
        super().__init__([dict(group) for group in groups], {"lr": setting.lr})

    def step(self, closure=None):
        with torch.enable_grad():
            loss = closure() if closure else None
        with torch.no_grad():
            for group in self.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        mean = self.state[p].setdefault("mean", torch.zeros_like(p))
                        p.sub_(mean.lerp_(p.grad, 0.1), alpha=group["lr"])
        return loss


class Halves:
    def __init__(self, options, setting):
        self.steps = setting.steps

    def factor(self, step):
        return 1.0 if step < self.steps / 2 else 0.5


@hookimpl
def ssltoolbox_optimisers():
    yield Descriptor(name="averaged", summary="A mean of gradients.", target=f"{__name__}:Averaged", api=2)


@hookimpl
def ssltoolbox_schedules():
    yield Descriptor(name="halves", summary="Halves once.", target=f"{__name__}:Halves", api=2)
"""


def test_the_names_are_those_of_timm() -> None:
    assert timm_optimisers() <= set(timm.optim.list_optimizers())
    assert {"lamb", "lion", "muon", "adafactor"} <= timm_optimisers()


@pytest.mark.parametrize(
    "optim",
    [
        "{name: lamb, lr: 1e-3, options: {trust_clip: true}, schedule: {name: step, milestones: [0.5]}}",
        "{name: muon, lr: 1e-3, schedule: linear}",
        "{name: averaged, lr: 1e-3, schedule: halves}",
    ],
    ids=["lamb", "muon", "plugin"],
)
def test_a_resumed_run_gives_the_same_weights(optim: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(PLUGIN)
    recipe = write_recipe(tmp_path, (OLD, f"optim: {optim}\nplugins: {{files: [mine.py]}}"))
    whole = run_tiny(recipe, tmp_path / "whole").folder
    with halted_at(step=4):
        run_tiny(recipe, tmp_path / "halted")
    resumed = run_tiny(recipe, tmp_path / "halted", resume=True).folder
    first, second = (safetensors.torch.load_file(folder.backbone) for folder in (whole, resumed))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("optim.name=lambb", "did you mean 'lamb'"),
        ("optim.schedule=cosin", "did you mean 'cosine'"),
        ("optim.schedule={name: step, milestone: [0.5]}", "did you mean 'milestones'"),
        ("optim.schedule={name: step, milestones: [0.8, 0.5]}", "rise"),
        ("optim={name: lion, lr: 1, options: {lr: 3}}", "lr can't be set here"),
        ("optim={name: adamw, lr: 1, options: {eps: 3}}", "'eps'"),
    ],
)
def test_mistakes_are_the_recipes(setting: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path), [setting])
    assert said in str(caught.value)


def test_options_that_timm_refuses_leave_no_run(tmp_path: Path) -> None:
    out = tmp_path / "run"
    setting = "optim={name: lamb, lr: 1, options: {bettas: [0.1, 0.2]}}"
    with pytest.raises(UserError, match="bettas"):
        run_tiny(write_recipe(tmp_path), out, setting)
    assert not out.exists()


def test_checking_prints_the_rates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = write_recipe(tmp_path, (OLD, "optim: {name: lion, lr: 1e-3, schedule: linear}"))
    assert cli_run(["check", str(recipe)]) == 0
    assert "lion, 0.001, linear" in capsys.readouterr().out


def test_the_rate_grows_with_the_batch(tmp_path: Path) -> None:
    changes = ["optim={name: lars, lr: 0.3, lr_scaling: linear}", "trainer.batch_size=12"]
    plan = load_plan(write_recipe(tmp_path), changes)
    module = build_module(Components(plan), distributed=False, failure_path=tmp_path / "failure.json")
    assert plan.schedule is not None
    assert plan.schedule.lr == module.optim.lr == pytest.approx(0.3 * 12 / 256)
