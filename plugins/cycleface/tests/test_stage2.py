"""Stage 2 begins with a run of stage 1, and leaves its networks as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.cycleface import TINY, build, inputs, run_of
from ssltoolbox_cycleface import LAST_CHECKPOINT, CycleFaceOptions
from ssltoolbox_cycleface.stage2 import Stage2

from ssltoolbox.api import Setting, UserError


@pytest.fixture
def stage1(tmp_path: Path) -> Path:
    return run_of(build(seed=5), tmp_path / "stage1")


def setting(backbone: str = "cycleface_encoder") -> Setting:
    return Setting(None, instances=4, draws=4, hard_negatives=0, backbone=backbone, image_size=32)


def test_stage_2_starts_from_the_networks_of_stage_1(stage1: Path) -> None:
    first, second = build(seed=5), build(seed=6, stage=2, stage1=stage1)
    assert isinstance(second.stage, Stage2)
    for ours, theirs in (
        (second.trunk, first.trunk),
        (second.stage.encoder, first.backbone),
        (second.stage.motion, first.stage.motion),
    ):
        torch.testing.assert_close(ours.state_dict(), theirs.state_dict(), rtol=0, atol=0)


def test_only_identity_is_learned(stage1: Path) -> None:
    method = build(stage=2, stage1=stage1).train()
    before = {name: value.clone() for name, value in method.state_dict().items()}
    assert not method.stage.encoder.training
    assert not method.stage.motion.training
    learning = {name: p for name, p in method.named_parameters() if p.requires_grad}
    assert {name.split(".")[0] for name in learning} == {"backbone", "stage"}
    optimiser = torch.optim.Adam(learning.values(), lr=1e-3, betas=(0.5, 0.9))
    for step in range(2):
        optimiser.zero_grad()
        output = method.step(inputs(step))
        output.loss.backward()
        assert all(parameter.grad is not None for parameter in learning.values())
        optimiser.step()
    changed = {name for name, value in method.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == set(learning)
    assert output.terms.keys() == {
        *(f"{name}_loss" for name in ("pixel", "style", "ssim", "symmetry", "margin")),
        "identity",
    }


def test_the_mean_face_is_one_for_all(stage1: Path) -> None:
    shown = build(stage=2, stage1=stage1).eval().pictures(inputs())
    assert list(shown.columns) == ["image", "rebuilt", "neutral", "neutral, from the mean", "mean face"]
    mean = shown.columns["mean face"]
    assert torch.equal(mean, mean[:1].expand_as(mean))
    assert shown.note == ""


@pytest.mark.parametrize(
    ("options", "backbone", "option", "fact"),
    [
        ({"stage": 2}, "cycleface_encoder", "stage1", "needs a run"),
        ({"stage": 2, "stage1": "elsewhere"}, "cycleface_encoder", "stage1", "not a run folder"),
        ({"stage": 1, "stage1": "here"}, "cycleface_encoder", "stage1", "does not use it"),
        ({"stage": 2, "stage1": "here", "width": 16}, "cycleface_encoder", "width", "was 8"),
        (
            {"stage": 2, "stage1": "here", "inverse": "published"},
            "cycleface_encoder",
            "inverse",
            "was fixed_point",
        ),
        ({"stage": 2, "stage1": "here"}, "resnet18", "stage1", "cycleface_encoder"),
        ({"stage": 1, "trunk": Path("nowhere.pth")}, "cycleface_encoder", "trunk", "nowhere.pth"),
        ({"stage": 2, "stage1": "here", "trunk": "imagenet"}, "cycleface_encoder", "trunk", "was random"),
        ({"stage": 2, "stage1": "here", "mirror": 0.3}, "cycleface_encoder", "mirror", "no effect"),
        ({"stage": 1, "margin": "published"}, "cycleface_encoder", "margin", "no effect"),
        (
            {"stage": 1, "inverse": "published", "inverse_steps": 3},
            "cycleface_encoder",
            "inverse_steps",
            "no effect",
        ),
    ],
)
def test_options_that_do_not_fit_a_stage_are_named(
    stage1: Path, options: dict[str, Any], backbone: str, option: str, fact: str
) -> None:
    given = dict(options)
    if "stage1" in given:
        given["stage1"] = stage1 if given["stage1"] == "here" else stage1 / "elsewhere"
    (problem,) = CycleFaceOptions(**TINY | given).problems(setting(backbone))
    assert problem.option == option
    assert fact in problem.message


def test_stage_2_does_not_read_the_file_of_the_trunk(tmp_path: Path) -> None:
    gone = tmp_path / "gone.pth"
    run = run_of(build(), tmp_path / "stage1", trunk=str(gone))
    assert list(CycleFaceOptions(**TINY | {"trunk": gone}, stage=2, stage1=run).problems(setting())) == []


def test_a_fitting_run_has_no_problem(stage1: Path) -> None:
    assert list(CycleFaceOptions(**TINY, stage=2, stage1=stage1).problems(setting())) == []
    (stage1 / LAST_CHECKPOINT).unlink()
    (problem,) = CycleFaceOptions(**TINY, stage=2, stage1=stage1).problems(setting())
    assert "last.ckpt" in problem.message


def test_runs_of_other_networks_are_refused(stage1: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"method\.stage1: the networks in"):
        build(stage=2, stage1=stage1, code_dim=8)
    second = run_of(build(stage=2, stage1=stage1), tmp_path / "stage2", stage=2)
    with pytest.raises(UserError, match="not a run of cycleface, stage 1"):
        build(stage=2, stage1=second)
    (problem,) = CycleFaceOptions(**TINY, stage=2, stage1=second).problems(setting())
    assert "not a run of cycleface, stage 1" in problem.message
