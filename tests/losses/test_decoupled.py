"""The decoupled loss is lightly's DCL and DCLW, and takes masks, negatives and weights as the other one does."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from lightly.loss import DCLLoss, DCLWLoss
from torch import Tensor

from ssltoolbox.losses import NTXentLoss

TEMPERATURE = 0.2


def sides(instances: int = 5, dim: int = 6) -> tuple[Tensor, Tensor]:
    pair = torch.randn(2, instances, dim, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    return pair[0].requires_grad_(), pair[1].requires_grad_()


@pytest.mark.filterwarnings("ignore:To copy construct from a tensor:UserWarning")  # in lightly's weights
@pytest.mark.parametrize("sigma", [None, 0.5, 2.0])
def test_the_decoupled_loss_equals_lightly_s(sigma: float | None) -> None:
    ours = NTXentLoss(TEMPERATURE, decoupled=True, positive_sigma=sigma)
    theirs = DCLLoss(TEMPERATURE) if sigma is None else DCLWLoss(TEMPERATURE, sigma)
    losses, gradients = [], []
    for loss in (ours, theirs):
        out0, out1 = sides()
        losses.append(loss(out0, out1))
        gradients.append(torch.autograd.grad(losses[-1], (out0, out1)))
    torch.testing.assert_close(*losses)
    torch.testing.assert_close(*gradients)


def test_masked_rows_leave_the_sum_and_attract() -> None:
    """Row by row: the log of the sum over unmasked negatives, less the logit of the positive or masked row."""
    out0, out1 = sides()
    masked = torch.zeros(10, 10, dtype=torch.bool)
    masked[0, 3] = masked[7, 1] = masked[7, 4] = True
    found = NTXentLoss(TEMPERATURE, decoupled=True)(out0, out1, masked=masked, attract=0.7)
    logits = F.normalize(torch.cat([out0, out1]), dim=1)
    logits = logits @ logits.T / TEMPERATURE
    expected = []
    for i in range(10):
        positive = (i + 5) % 10
        kept = [j for j in range(10) if j not in (i, positive) and not masked[i, j]]
        log_sum = logits[i, kept].logsumexp(dim=0)
        loss = log_sum - logits[i, positive]
        if masked[i].any():
            loss = loss + 0.7 * (log_sum - logits[i, masked[i]]).mean()
        expected.append(loss)
    torch.testing.assert_close(found, torch.stack(expected).mean())


def test_further_negatives_count_by_their_weights() -> None:
    out0, out1 = sides()
    extra = torch.randn(10, 2, 6, dtype=torch.float64)
    loss = NTXentLoss(TEMPERATURE, decoupled=True)
    weighed = loss(out0, out1, negatives=extra, negative_weights=torch.full((10, 2), 2.0))
    repeated = loss(out0, out1, negatives=extra.repeat(1, 2, 1))
    torch.testing.assert_close(weighed, repeated)
    assert repeated > loss(out0, out1)


def test_keys_of_a_queue_are_its_negatives() -> None:
    loss = NTXentLoss(TEMPERATURE, (12, 6), decoupled=True)
    out0, out1 = (side.float() for side in sides())
    bank = loss.memory_bank.bank.clone()
    query, key = F.normalize(out0, dim=1), F.normalize(out1, dim=1)
    expected = (query @ bank.T / TEMPERATURE).logsumexp(dim=1) - (query * key).sum(dim=1) / TEMPERATURE
    torch.testing.assert_close(loss(out0, out1), expected.mean())


@pytest.mark.parametrize("everything", [False, True])
def test_a_row_without_negatives_has_no_loss(everything: bool) -> None:
    out0, out1 = sides(instances=3)
    masked = torch.ones(6, 6, dtype=torch.bool) if everything else torch.zeros(6, 6, dtype=torch.bool)
    masked[0] = True
    value = NTXentLoss(TEMPERATURE, decoupled=True)(out0, out1, masked=masked)
    gradients = torch.autograd.grad(value, (out0, out1))
    assert value.isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert (value == 0) == everything
