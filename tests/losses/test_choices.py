"""Losses robust to wrong positives, and with soft targets: the published numbers, and what masks do to them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from helpers.methods import side_at
from torch import Tensor

from ssltoolbox.api import Setting
from ssltoolbox.losses import NTXentLoss, RobustInfoNCE, SoftTargets
from ssltoolbox.methods.choices import loss_choice
from ssltoolbox.methods.plugin import ContrastOptions, MoCoV2Options, SimCLROptions

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "losses" / "strategies.json").read_text())
SIDES = (side_at(0.0), side_at(0.35))
TAU, SOFT_TAU = 0.1, 0.05


def queued(soft: SoftTargets | None) -> NTXentLoss:
    """A loss with the queue of the published numbers."""
    loss = NTXentLoss(TAU, (5, 6), soft=soft).double()
    loss.memory_bank.bank = side_at(1.1, rows=5)
    return loss


@pytest.mark.parametrize(("q", "weight"), [(0.01, 0.01), (0.5, 0.025), (1.0, 0.025)])
def test_the_published_robust_loss(q: float, weight: float) -> None:
    loss = NTXentLoss(0.5, robust=RobustInfoNCE(q, weight))(*SIDES)
    assert loss.item() == pytest.approx(GOLDEN[f"rince_q{q}_lam{weight}_t.5"], rel=1e-9)


def test_a_small_q_has_the_gradient_of_info_nce() -> None:
    gradients = []
    for robust in (None, RobustInfoNCE(1e-6, 1.0)):
        sides = [side.clone().requires_grad_() for side in SIDES]
        gradients.append(torch.autograd.grad(NTXentLoss(0.5, robust=robust)(*sides), sides))
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_a_wrong_pair_has_less_effect_in_the_robust_loss() -> None:
    """The gradient of a pair that points apart, as a share of all pairs' gradients."""

    def share(robust: RobustInfoNCE | None) -> float:
        out0, out1 = (side.clone().requires_grad_() for side in SIDES)
        wrong = torch.cat([-out1[:1], out1[1:]])
        (gradient,) = torch.autograd.grad(NTXentLoss(0.5, robust=robust)(out0, wrong), out0)
        return (gradient[0].norm() / gradient.norm(dim=1).sum()).item()

    assert share(RobustInfoNCE(1.0, 0.025)) < 0.8 * share(None)


def test_the_published_soft_contrast_of_a_queue() -> None:
    assert queued(None)(*SIDES).item() == pytest.approx(GOLDEN["infonce_same_queue_t.1"], rel=1e-9)
    soft = queued(SoftTargets(0.5, SOFT_TAU))(*SIDES)
    assert soft.item() == pytest.approx(GOLDEN["sce_t.1_tm.05_c.5_queue5_phase1.1"], rel=1e-9)


def soft_in_batch(masked: Tensor, share: float) -> Tensor:
    """The published formula for both sides of a batch, row by row."""
    both = torch.cat(SIDES)
    other = torch.arange(4).repeat(2)[:, None] != torch.arange(4).repeat(2)
    losses = []
    for row in range(8):
        pair = (row + 4) % 8
        kept = (other[row] & ~masked[row]).nonzero().flatten()
        logits = torch.cat([both[pair][None], both[kept]]) @ both[row] / TAU
        alike = torch.cat([torch.zeros(1).double(), both[kept] @ both[pair] / SOFT_TAU])
        target = (1 - share) * alike.softmax(0)
        target[0] += share
        losses.append(F.cross_entropy(logits[None], target[None]))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("share", [0.2, 0.7])
def test_masked_candidates_have_no_share(share: float) -> None:
    masked = torch.zeros(8, 8, dtype=torch.bool)
    masked[0, 2] = masked[5, 0] = masked[5, 3] = True
    loss = NTXentLoss(TAU, soft=SoftTargets(share, SOFT_TAU))
    torch.testing.assert_close(loss(*SIDES), soft_in_batch(torch.zeros_like(masked), share))
    torch.testing.assert_close(loss(*SIDES, masked=masked), soft_in_batch(masked, share))


def test_soft_targets_have_no_gradient() -> None:
    """With constant targets the gradient is the difference of two distributions, whose sum is 0 in each row."""
    logits = torch.randn(3, 5, requires_grad=True)
    assert not SoftTargets(0.5, SOFT_TAU).shares(logits.detach()).requires_grad
    out0, out1 = (side.clone().requires_grad_() for side in SIDES)
    queued(SoftTargets(0.5, SOFT_TAU))(out0, out1.detach()).backward()
    assert out0.grad is not None
    assert out1.grad is None


def test_further_positives_are_refused_in_a_robust_loss() -> None:
    positives = torch.zeros(8, 8, dtype=torch.bool)
    with pytest.raises(ValueError, match="further positives"):
        NTXentLoss(0.5, robust=RobustInfoNCE(0.5, 0.025))(*SIDES, positives=positives)


@pytest.mark.parametrize("options", [SimCLROptions, MoCoV2Options])
def test_the_loss_is_an_option_of_the_methods(options: type[ContrastOptions]) -> None:
    assert loss_choice(options()) == {"robust": None, "soft": None}
    assert loss_choice(options(loss="rince"))["robust"] == RobustInfoNCE(0.5, 0.025)
    assert loss_choice(options(loss="soft_contrast"))["soft"] == SoftTargets(0.5, 0.05)


@pytest.mark.parametrize(
    ("options", "problems"),
    [
        ({}, []),
        ({"loss": "rince", "rince": {"q": 0.2}}, []),
        ({"rince": {"q": 0.2}}, ["rince"]),
        ({"loss": "rince", "soft_contrast": {"share": 0.2}}, ["soft_contrast"]),
        ({"loss": "rince", "rince": {"q": 1.0}, "temperature": 0.01}, ["rince"]),
    ],
)
def test_problems_of_the_choice(options: dict[str, object], problems: list[str]) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0)
    assert [problem.option for problem in SimCLROptions(**options).problems(setting)] == problems
