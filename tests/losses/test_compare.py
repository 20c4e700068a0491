"""A step's loss with maskers: weights from similarity, attractions of their own, the published numbers."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from helpers.maskers import HarderMore
from helpers.methods import rows_for, side_at
from torch import Tensor

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker, Options, Rows
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.losses import NTXentLoss, RowQueue, mean_of

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "losses" / "strategies.json").read_text())
TAU = 0.5


def side(phase: float) -> Tensor:
    """The rows of the published numbers."""
    return side_at(phase).requires_grad_()


def harder_loss(
    rows: Tensor, candidates: Tensor, positives: Tensor, negative: Tensor, beta: float, constant: bool = False
) -> Tensor:
    """The published formula with τ⁺ = 0, which autograd differentiates."""
    logits = rows @ candidates.T / TAU
    grown = (beta * logits).exp() * negative
    weights = grown / (grown.sum(dim=1, keepdim=True) / negative.sum(dim=1, keepdim=True))
    if constant:
        weights = weights.detach()
    below = (weights * logits.exp() * negative).sum(dim=1)
    positive = ((rows * positives).sum(dim=1) / TAU).exp()
    return -(positive / (positive + below)).log().mean()


def harder_in_batch(out0: Tensor, out1: Tensor, beta: float, constant: bool = False) -> Tensor:
    rows, positives = torch.cat([out0, out1]), torch.cat([out1, out0])
    draw = torch.arange(len(out0)).repeat(2)
    return harder_loss(rows, rows, positives, draw[:, None] != draw, beta, constant)


def compared(out0: Tensor, out1: Tensor, **maskers: NegativeMasker[Options]) -> Tensor:
    rows = described(rows_for(len(out0)), maskers)
    return NTXentLoss(TAU).compare(out0, out1, rows, rows, MaskerUnion(maskers)).loss


def described(rows: Rows, maskers: dict[str, NegativeMasker[Options]]) -> Rows:
    return replace(rows, descriptors={key: torch.empty(len(rows), 0) for key in maskers})


def test_without_maskers_it_is_the_published_loss_of_simclr() -> None:
    loss = NTXentLoss(TAU).compare(side(0), side(0.35), rows_for(4), rows_for(4), MaskerUnion())
    assert loss.loss.item() == pytest.approx(GOLDEN["nt_xent_t.5"], abs=1e-12)
    assert loss.terms == {}


@pytest.mark.parametrize("differentiable", [False, True])
def test_weights_of_hard_negatives_give_the_published_loss(differentiable: bool) -> None:
    loss = compared(side(0), side(0.35), harder=HarderMore(0.5, TAU, differentiable))
    assert loss.item() == pytest.approx(GOLDEN["hard_beta.5_tau+0_t.5"], abs=1e-12)


@pytest.mark.parametrize("constant", [False, True])
def test_the_gradient_goes_through_the_weights_or_takes_them_as_constants(constant: bool) -> None:
    out0, out1 = side(0), side(0.35)
    ours = torch.autograd.grad(compared(out0, out1, harder=HarderMore(0.5, TAU, not constant)), (out0, out1))
    expected = torch.autograd.grad(harder_in_batch(out0, out1, 0.5, constant), (out0, out1))
    torch.testing.assert_close(_on_sphere(ours, out0, out1), _on_sphere(expected, out0, out1))


def _on_sphere(gradients: tuple[Tensor, ...], *points: Tensor) -> Tensor:
    """The gradients without what only lengthens a unit vector, as the loss normalises and the formula does not."""
    flat = [g - (g * p).sum(dim=1, keepdim=True) * p for g, p in zip(gradients, points, strict=True)]
    return torch.cat(flat)


def test_constant_weights_miss_a_sixth_of_the_published_gradient() -> None:
    out0, out1 = side(0), side(0.35)
    through, constant = (
        _on_sphere(
            torch.autograd.grad(compared(out0, out1, harder=HarderMore(0.5, TAU, wanted)), (out0, out1)),
            out0,
            out1,
        )
        for wanted in (True, False)
    )
    missed = ((through - constant).norm() / through.norm()).item()
    cosine = F.cosine_similarity(through.flatten(), constant.flatten(), dim=0).item()
    assert (missed, cosine) == (pytest.approx(0.16, abs=0.005), pytest.approx(0.988, abs=0.001))


@pytest.mark.parametrize("constant", [False, True])
def test_candidates_of_a_queue_are_weighed(constant: bool) -> None:
    torch.manual_seed(0)
    loss = NTXentLoss(TAU, (12, 6)).double()
    bank, queue = loss.memory_bank.bank.clone(), RowQueue(12)
    query, key = side(0), side(0.35)
    rows = described(rows_for(4)[:4], {"harder": None})
    maskers = MaskerUnion({"harder": HarderMore(0.7, TAU, not constant)})
    ours = loss.compare(query, key, rows, queue.rows(), maskers).loss
    every = torch.ones(4, 12, dtype=torch.bool)
    expected = harder_loss(query, bank, key.detach(), every, 0.7, constant)
    torch.testing.assert_close(ours, expected)
    gradients = (torch.autograd.grad(each, query) for each in (ours, expected))
    torch.testing.assert_close(*(_on_sphere(gradient, query) for gradient in gradients))


def test_weights_multiply_those_of_hard_negatives() -> None:
    """Two draws with one hard negative each, which counts as three, and a masker that doubles draw 0."""

    class DoubleFirst(NegativeMasker[Options]):
        def answer(self, comparison: Comparison) -> MaskerAnswer:
            return MaskerAnswer(weights=1.0 + (comparison.candidates.draw == 0).expand(8, 8))

    weight = torch.tensor([1.0, 3.0]).repeat_interleave(2).repeat(2)
    rows = replace(described(rows_for(2, hard=1), {"double": None}), weight=weight)
    out0, out1 = side(0), side(0.35)
    found = NTXentLoss(TAU).compare(out0, out1, rows, rows, MaskerUnion({"double": DoubleFirst(Options())}))
    opposite = (rows.draw[:, None] == rows.draw) & (rows.side[:, None] != rows.side)
    weights = torch.where(opposite, 3.0, 1.0) * torch.where(rows.draw == 0, 2.0, 1.0)
    torch.testing.assert_close(found.loss, NTXentLoss(TAU)(out0, out1, weights=weights))


class MaskColumns(NegativeMasker[Options]):
    """Masks the eligible candidates of some columns."""

    def __init__(self, attract: float, *columns: int) -> None:
        super().__init__(Options())
        self.attract = attract
        self.columns = list(columns)

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        chosen = torch.zeros_like(eligible)
        chosen[:, self.columns] = True
        return chosen


def test_each_masker_has_its_own_attraction() -> None:
    """They share the denominator, which lacks what any of them masked, and a pair may count in several."""
    out0, out1, rows = side(0), side(0.35), rows_for(4)
    maskers = {"one": MaskColumns(0.8, 0, 1), "two": MaskColumns(0.3, 1, 6), "removes": MaskColumns(0.0, 7)}
    found = NTXentLoss(TAU).compare(out0, out1, *[described(rows, maskers)] * 2, MaskerUnion(maskers))
    logits = torch.cat([out0, out1]) @ torch.cat([out0, out1]).T / TAU
    eligible = rows.draw[:, None] != rows.draw
    masks = {
        key: eligible & torch.isin(torch.arange(8), torch.tensor(m.columns)) for key, m in maskers.items()
    }
    kept = eligible & ~(masks["one"] | masks["two"] | masks["removes"])
    below = (logits.exp() * kept).sum(dim=1, keepdim=True)
    each = -(logits.exp() / (logits.exp() + below)).log()
    cancel = each[torch.arange(8), torch.arange(8).roll(-4)].mean()
    attractions = {
        key: ((each * mask).sum(dim=1) / mask.sum(dim=1).clamp(min=1)).mean() for key, mask in masks.items()
    }
    torch.testing.assert_close(found.loss, cancel + 0.8 * attractions["one"] + 0.3 * attractions["two"])
    torch.testing.assert_close(found.terms["one_attract_loss"], attractions["one"].detach())
    torch.testing.assert_close(found.terms["two_attract_loss"], attractions["two"].detach())
    expected = (attractions["one"] + attractions["two"]).detach()
    torch.testing.assert_close(found.terms["attract_loss"], expected)
    assert "removes_attract_loss" not in found.terms


def test_gradients_of_several_attractions_add_up() -> None:
    maskers = {"one": MaskColumns(0.8, 0, 1), "two": MaskColumns(0.3, 1, 6)}
    rows = described(rows_for(4), maskers)

    def loss(out0: Tensor, out1: Tensor) -> Tensor:
        return NTXentLoss(TAU).compare(out0, out1, rows, rows, MaskerUnion(maskers)).loss

    assert torch.autograd.gradcheck(loss, (side(0), side(0.35)))


def test_gradients_through_weights_next_to_an_attraction() -> None:
    maskers = {"mask": MaskColumns(0.8, 0, 1), "harder": HarderMore(1.0, TAU, differentiable=True)}
    rows = described(rows_for(4), maskers)

    def loss(out0: Tensor, out1: Tensor) -> Tensor:
        return NTXentLoss(TAU).compare(out0, out1, rows, rows, MaskerUnion(maskers)).loss

    assert torch.autograd.gradcheck(loss, (side(0), side(0.35)))


def test_one_masker_is_as_a_mask_given_by_hand() -> None:
    """To the bit, in value and gradient."""
    out0, out1, rows = side(0), side(0.35), rows_for(4)
    maskers = {"one": MaskColumns(0.8, 0, 1)}
    found = compared(out0, out1, **maskers)
    masked = maskers["one"].mask(rows, rows, torch.ones(8, 8, dtype=torch.bool))
    masked &= rows.draw[:, None] != rows.draw
    expected = NTXentLoss(TAU)(out0, out1, masked, attract=0.8)
    assert torch.equal(found, expected)
    one, other = (torch.autograd.grad(each, (out0, out1)) for each in (found, expected))
    assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))


def test_the_mean_of_two_losses_is_that_of_their_terms() -> None:
    maskers = {"one": MaskColumns(0.8, 0, 1)}
    rows = described(rows_for(4), maskers)
    union = MaskerUnion(maskers)
    one, two = (NTXentLoss(tau).compare(side(0), side(0.35), rows, rows, union) for tau in (0.2, 1.0))
    mean = mean_of(one, two)
    torch.testing.assert_close(mean.loss, (one.loss + two.loss) / 2)
    assert mean.terms.keys() == one.terms.keys()
    torch.testing.assert_close(
        mean.terms["cancel_loss"], (one.terms["cancel_loss"] + two.terms["cancel_loss"]) / 2
    )
