"""The loss against lightly's, against a plain numpy reference, and against the published loss's numbers."""

import json
from pathlib import Path
from typing import Any

import lightly.loss
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from ssltoolbox.losses import NTXentLoss

GOLDEN = Path(__file__).parents[1] / "golden" / "losses" / "maskfn_cases.json"


def sides(
    instances: int = 6, dim: int = 8, seed: int = 0, dtype: torch.dtype = torch.float32
) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(instances, dim, generator=generator, dtype=dtype).requires_grad_() for _ in range(2)]


def random_mask(rows: int, columns: int, seed: int = 0, share: float = 0.3) -> Tensor:
    return torch.rand(rows, columns, generator=torch.Generator().manual_seed(seed)) < share


def reference(
    out0: Tensor, out1: Tensor, masked: np.ndarray, negatives: np.ndarray | None, tau: float
) -> tuple[float, float]:
    """The formula of the class's docstring, in float64, row by row."""
    rows = torch.cat([out0, out1]).detach().double().numpy()
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    n = len(out0)
    cancel, attract = [], []
    for i in range(2 * n):
        similarity = rows @ rows[i] / tau
        positive = (i + n) % (2 * n)
        others = [k for k in range(2 * n) if k not in (i, positive)]
        kept = [similarity[k] for k in others if not masked[i, k]]
        if negatives is not None:
            extra = negatives[i] / np.linalg.norm(negatives[i], axis=1, keepdims=True)
            kept += list(extra @ rows[i] / tau)
        below = np.exp(kept).sum()
        cancel.append(np.log(np.exp(similarity[positive]) + below) - similarity[positive])
        false = [similarity[k] for k in others if masked[i, k]]
        attract.append(np.mean([np.log(np.exp(v) + below) - v for v in false]) if false else 0.0)
    return float(np.mean(cancel)), float(np.mean(attract))


@pytest.mark.parametrize("queue", [0, (12, 8)])
def test_equals_lightly_without_strategies(queue: int | tuple[int, int]) -> None:
    """Value and gradient, to the bit, for several calls."""
    torch.manual_seed(1)
    theirs = lightly.loss.NTXentLoss(0.2, queue)
    ours = NTXentLoss(0.2, queue)
    ours.memory_bank.bank.copy_(theirs.memory_bank.bank)
    for seed in range(4):
        pair_a, pair_b = sides(seed=seed), sides(seed=seed)
        loss_a, loss_b = theirs(*pair_a), ours(*pair_b)
        assert torch.equal(loss_a, loss_b)
        loss_a.backward()
        loss_b.backward()
        assert torch.equal(pair_a[0].grad, pair_b[0].grad)
        assert torch.equal(theirs.memory_bank.bank, ours.memory_bank.bank)


@pytest.mark.parametrize("queue", [0, (12, 8)])
def test_rebuilt_logits_equal_lightly_when_the_mask_is_empty(queue: int | tuple[int, int]) -> None:
    torch.manual_seed(1)
    theirs = lightly.loss.NTXentLoss(0.1, queue)
    ours = NTXentLoss(0.1, queue)
    ours.memory_bank.bank.copy_(theirs.memory_bank.bank)
    pair_a, pair_b = sides(), sides()
    rows, columns = (12, 12) if queue == 0 else (6, 12)
    loss_a = theirs(*pair_a)
    loss_b = ours(*pair_b, masked=torch.zeros(rows, columns, dtype=torch.bool), attract=0.8)
    torch.testing.assert_close(loss_a, loss_b)
    loss_a.backward()
    loss_b.backward()
    for theirs_side, our_side in zip(pair_a, pair_b, strict=True):
        if theirs_side.grad is not None:
            torch.testing.assert_close(theirs_side.grad, our_side.grad)


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text()))
def test_the_loss_equals_the_published_one(case: dict[str, Any]) -> None:
    """Top-1 by descriptor, nothing protected: what the published loss gives."""
    features = torch.tensor(case["features"])
    descriptors = F.normalize(torch.tensor(case["descriptors"]), dim=1)
    n = case["instances"]
    row = torch.arange(2 * n)
    similarity = descriptors @ descriptors.T
    similarity[row, row] = similarity[row, (row + n) % (2 * n)] = -torch.inf
    masked = torch.zeros(2 * n, 2 * n, dtype=torch.bool)
    masked[row, similarity.argmax(dim=1)] = True
    loss = NTXentLoss(case["temperature"])
    pair = features[:n], features[n:]
    cancel, attraction = loss.terms(*pair, masked)
    assert loss(*pair).item() == pytest.approx(case["nt_xent"], abs=1e-5)
    assert cancel.item() == pytest.approx(case["cancel_loss"], abs=1e-5)
    assert attraction.item() == pytest.approx(case["attract_term"], abs=1e-5)
    total = loss(*pair, masked, attract=case["attract_weight"])
    assert total.item() == pytest.approx(case["total"], abs=1e-5)


@settings(deadline=None, max_examples=60)
@given(
    instances=st.integers(1, 7),
    explicit=st.integers(0, 3),
    tau=st.sampled_from([0.05, 0.2, 1.0]),
    share=st.sampled_from([0.0, 0.3, 1.0]),
    seed=st.integers(0, 10**6),
)
def test_nt_xent_equals_the_formula(
    instances: int, explicit: int, tau: float, share: float, seed: int
) -> None:
    out0, out1 = sides(instances, seed=seed, dtype=torch.float64)
    masked = random_mask(2 * instances, 2 * instances, seed, share)
    negatives = None
    if explicit:
        negatives = torch.randn(2 * instances, explicit, 8, generator=torch.Generator().manual_seed(seed))
    cancel, attraction = NTXentLoss(tau).terms(
        out0, out1, masked, None if negatives is None else negatives.double()
    )
    expected = reference(
        out0, out1, masked.numpy(), None if negatives is None else negatives.double().numpy(), tau
    )
    assert cancel.item() == pytest.approx(expected[0], abs=1e-6)
    assert attraction.item() == pytest.approx(expected[1], abs=1e-5)
    (cancel + 0.8 * attraction).backward()
    assert out0.grad.isfinite().all()
    assert out1.grad.isfinite().all()


def test_a_fully_masked_row_costs_nothing() -> None:
    out0, out1 = sides()
    masked = torch.zeros(12, 12, dtype=torch.bool)
    masked[3] = True
    alone = NTXentLoss(0.1)(out0, out1, masked=torch.ones(12, 12, dtype=torch.bool))
    assert alone.item() == 0.0
    alone.backward()
    assert (out0.grad == 0).all()
    assert NTXentLoss(0.1)(out0, out1, masked=masked).isfinite()


def test_the_positive_is_never_masked() -> None:
    out0, out1 = sides()
    row = torch.arange(12)
    positives = torch.zeros(12, 12, dtype=torch.bool)
    positives[row, (row + 6) % 12] = True
    plain = lightly.loss.NTXentLoss(0.1)(out0, out1)
    torch.testing.assert_close(NTXentLoss(0.1)(out0, out1, masked=positives, attract=0.8), plain)


def test_queue_with_mask_and_explicit_negatives() -> None:
    """What is masked in the queue is as if it were not there, and explicit ones as if they were."""
    torch.manual_seed(0)
    ours = NTXentLoss(0.2, (12, 8))
    query, key = sides()
    masked = torch.zeros(6, 12, dtype=torch.bool)
    masked[:, 5:] = True
    explicit = F.normalize(torch.randn(6, 7, 8), dim=2)
    bank = ours.memory_bank.bank.clone()
    loss = ours(query, key, masked=masked, negatives=explicit)
    q, k = F.normalize(query, dim=1), F.normalize(key, dim=1)
    logits = (
        torch.cat([(q * k).sum(1, keepdim=True), q @ bank[:5].T, (q[:, None] * explicit).sum(2)], 1) / 0.2
    )
    torch.testing.assert_close(loss, F.cross_entropy(logits, torch.zeros(6, dtype=torch.long)))
    assert torch.equal(ours.memory_bank.bank[:6], k.detach())


def test_gradients_agree_with_finite_differences() -> None:
    out0, out1 = sides(4, 5, dtype=torch.float64)
    masked = random_mask(8, 8)
    loss = NTXentLoss(0.5)
    assert torch.autograd.gradcheck(lambda a, b: loss(a, b, masked=masked, attract=0.8), (out0, out1))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("tau", [0.05, 0.5])
def test_autocast_does_not_change_the_loss(dtype: torch.dtype, tau: float) -> None:
    """One row has nothing left."""
    masked = random_mask(12, 12)
    masked[0] = True
    pair = sides(dim=64)
    expected = NTXentLoss(tau)(*pair, masked=masked, attract=0.8)
    with torch.autocast("cpu", dtype=dtype):
        loss = NTXentLoss(tau)(*pair, masked=masked, attract=0.8)
    loss.backward()
    assert torch.equal(loss, expected)
    assert pair[0].grad.isfinite().all()


def test_order_of_the_instances_does_not_matter() -> None:
    out0, out1 = sides()
    masked = random_mask(12, 12)
    order = torch.randperm(6, generator=torch.Generator().manual_seed(3))
    both = torch.cat([order, order + 6])
    loss = NTXentLoss(0.1)
    torch.testing.assert_close(
        loss(out0, out1, masked=masked, attract=0.8),
        loss(out0[order], out1[order], masked=masked[both][:, both], attract=0.8),
    )


def test_the_queue_is_in_the_state_dict() -> None:
    loss = NTXentLoss(0.2, (12, 8))
    loss(*sides())
    restored = NTXentLoss(0.2, (12, 8))
    restored.load_state_dict(loss.state_dict())
    assert torch.equal(restored.memory_bank.bank, loss.memory_bank.bank)
    assert int(restored.memory_bank.bank_ptr) == 6


@pytest.mark.parametrize("attract", [0.0, 0.8])
@pytest.mark.parametrize("queue", [0, (12, 8)])
def test_a_negative_that_counts_as_three_is_as_three_of_it(
    queue: int | tuple[int, int], attract: float
) -> None:
    """Value and gradient, for explicit negatives; candidates are left as they are by weights of one."""
    out0, out1 = sides(6)
    rows = 6 if queue else 12
    negatives = torch.randn(rows, 2, 8, generator=torch.Generator().manual_seed(3))
    counts = torch.tensor([1.0, 3.0]).expand(rows, 2)
    repeated = torch.cat([negatives, negatives[:, 1:], negatives[:, 1:]], dim=1)
    masked = random_mask(rows, 12)
    torch.manual_seed(0)
    loss = NTXentLoss(0.2, queue).eval()
    ones = torch.ones(rows, 12)
    bank = loss.memory_bank.bank.clone()
    weighed = loss(out0, out1, masked, negatives, attract, weights=ones, negative_weights=counts)
    gradients = torch.autograd.grad(weighed, (out0, out1))
    loss.memory_bank.bank.copy_(bank)
    expected = loss(out0, out1, masked, repeated, attract)
    torch.testing.assert_close(weighed, expected)
    torch.testing.assert_close(gradients, torch.autograd.grad(expected, (out0, out1)))


def test_weights_of_candidates_are_factors_in_the_sum_and_leave_the_attraction() -> None:
    out0, out1 = sides(5, dtype=torch.float64)
    masked, tau = random_mask(10, 10), 0.3
    weights = torch.rand(10, 10, generator=torch.Generator().manual_seed(4), dtype=torch.float64) * 5 + 0.1
    cancel, attraction = NTXentLoss(tau).terms(out0, out1, masked, weights=weights)
    rows = F.normalize(torch.cat([out0, out1]), dim=1)
    terms = (rows @ rows.T / tau).exp()
    cancels, attractions = [], []
    for i in range(10):
        positive = (i + 5) % 10
        others = [k for k in range(10) if k not in (i, positive)]
        below = sum(weights[i, k] * terms[i, k] for k in others if not masked[i, k])
        false = [k for k in others if masked[i, k]]
        cancels.append(-(terms[i, positive] / (terms[i, positive] + below)).log())
        attractions.append(
            sum(-(terms[i, k] / (terms[i, k] + below)).log() for k in false) / max(1, len(false))
        )
    torch.testing.assert_close(cancel, torch.stack(cancels).mean())
    torch.testing.assert_close(attraction, torch.stack(attractions).mean())


def test_the_gradient_of_a_weighed_loss() -> None:
    out0, out1 = sides(4, dim=3, dtype=torch.float64)
    weights = torch.rand(8, 8, generator=torch.Generator().manual_seed(5), dtype=torch.float64) + 0.5

    def weighed(one: Tensor, other: Tensor) -> Tensor:
        return NTXentLoss(0.4)(one, other, random_mask(8, 8), attract=0.8, weights=weights)

    assert torch.autograd.gradcheck(weighed, (out0, out1))
