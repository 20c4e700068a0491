"""The loss and the maskers over many cases, beside a reference in numpy with float64."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.special import logsumexp
from ssltoolbox_mask_fn import MaskFNOptions
from ssltoolbox_mask_fn.masker import MaskFN
from ssltoolbox_near_in_time import NearInTimeOptions
from ssltoolbox_near_in_time.masker import NearInTime
from torch import Tensor

from ssltoolbox.api import NegativeMasker, Rows
from ssltoolbox.losses import NTXentLoss

CASES, MANY_CASES = 60, 3000
ATTRACT = 0.8


def check_all(test: Callable[[st.DataObject], None], much: bool) -> None:
    """Runs a test on many examples."""
    settings(
        max_examples=MANY_CASES if much else CASES,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )(given(st.data())(test))()


def embeddings(kind: str, rows: int, generator: torch.Generator) -> Tensor:
    """[rows, 8] float64."""
    random = torch.randn(rows, 8, generator=generator, dtype=torch.float64)
    scales = {"long": 1e15, "short": 1e-9, "random": 1.0}
    if kind in scales:
        return random * scales[kind]
    return torch.zeros_like(random) if kind == "zero" else random[:1].expand(rows, 8).clone()


def reference(
    rows: np.ndarray, positives: np.ndarray, others: np.ndarray, tau: float, **masks: np.ndarray
) -> float:
    """The formula of the loss's docstring: rows [S, D], their positives [S, D], candidates [C, D].

    Masks [S, C]: `own`, which are no negatives at all, and `false`, which are masked.
    """
    rows, positives, others = (
        side / np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-12)
        for side in (rows, positives, others)
    )
    scores, positive = rows @ others.T / tau, (rows * positives).sum(axis=1) / tau
    false = masks["false"] & ~masks["own"]
    with np.errstate(all="ignore"):
        below = logsumexp(np.where(masks["own"] | false, -np.inf, scores), axis=1)
        cancel = np.logaddexp(positive, below) - positive
        each = np.where(false, np.logaddexp(scores, below[:, None]) - np.where(false, scores, 0), 0)
    attract = each.sum(axis=1) / np.maximum(false.sum(axis=1), 1)
    return float((cancel + ATTRACT * attract).mean())


def close(found: float, expected: float) -> bool:
    return abs(found - expected) <= 1e-6 * max(1.0, abs(expected))


def test_random_cases_of_the_loss_agree_with_the_reference(much: bool, count: Callable[[str], None]) -> None:
    """Finite, with finite gradients; the reference's number; whatever the order; in half precision too."""
    tried: Counter[str] = Counter()

    def one(data: st.DataObject) -> None:
        kind = data.draw(st.sampled_from(["random", "long", "short", "zero", "identical"]))
        n, tau = data.draw(st.integers(1, 9)), data.draw(st.sampled_from([1e-3, 0.05, 0.2, 1.0, 1e3]))
        queue = data.draw(st.sampled_from([0, 12]))
        generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**32 - 1)))
        share = data.draw(st.sampled_from([0.0, 0.3, 1.0]))
        out0, out1 = (embeddings(kind, n, generator).requires_grad_() for _ in range(2))
        loss, in_half = (NTXentLoss(tau, (queue, 8) if queue else 0) for _ in range(2))
        loss.double()
        if queue:
            loss.memory_bank.bank.copy_(F.normalize(embeddings("random", queue, generator), dim=1))
            others, own = loss.memory_bank.bank.clone(), np.zeros((n, queue), dtype=bool)
            rows, positives = out0, out1
        else:
            rows, positives = torch.cat([out0, out1]), torch.cat([out1, out0])
            others, own = (
                rows,
                np.eye(2 * n, dtype=bool) | np.eye(2 * n, k=n, dtype=bool) | np.eye(2 * n, k=-n, dtype=bool),
            )
        masked = torch.rand(len(rows), len(others), generator=generator) < share
        expected = reference(
            *(side.detach().numpy() for side in (rows, positives, others)), tau, own=own, false=masked.numpy()
        )
        value = loss(out0, out1, masked=masked, attract=ATTRACT)
        value.backward()
        assert close(value.item(), expected), (kind, n, tau, queue, share)
        assert out0.grad is not None
        assert out0.grad.isfinite().all()
        if not queue:
            order = torch.randperm(n, generator=generator)
            both = torch.cat([order, order + n])
            moved = loss(out0[order], out1[order], masked=masked[both][:, both], attract=ATTRACT)
            assert close(moved.item(), value.item())
        for dtype in (torch.float16, torch.bfloat16):
            single = out0.detach().float().requires_grad_()
            with torch.autocast("cpu", dtype):
                half = in_half(single, out1.detach().float(), masked=masked, attract=ATTRACT)
            half.backward()
            assert half.isfinite()
            assert single.grad is not None
            assert single.grad.isfinite().all()
        tried[f"{kind}, {'queue' if queue else 'batch'}"] += 1

    check_all(one, much)
    count(f"{tried.total()} cases of {len(tried)} kinds, each in float64, float16 and bfloat16")


def rows_of(count: int, width: int, generator: torch.Generator) -> Rows:
    """Rows of several clips and draws; a tenth of them has no descriptor."""
    descriptor = torch.randn(count, width, generator=generator, dtype=torch.float64)
    descriptor[torch.rand(count, generator=generator) < 0.1] = torch.nan
    draw, clip = (torch.randint(0, 4, (count,), generator=generator) for _ in range(2))
    time = torch.rand(count, generator=generator, dtype=torch.float64) * 10
    return Rows(draw, clip, clip // 2, time, descriptor)


def of_order(rows: Rows, order: Tensor) -> Rows:
    return Rows(
        rows.draw[order], rows.clip[order], rows.identity[order], rows.time[order], rows.descriptor[order]
    )


def nearest(anchors: Rows, candidates: Rows, eligible: np.ndarray, top_k: int) -> np.ndarray:
    """[A, C] the `top_k` eligible candidates of the largest cosine with each anchor."""
    sides = [rows.descriptor.double().numpy() for rows in (anchors, candidates)]
    one, other = (side / np.linalg.norm(side, axis=1, keepdims=True) for side in sides)
    similarity = np.where(eligible, np.nan_to_num(one @ other.T, nan=-np.inf), -np.inf)
    places = np.argsort(-similarity, axis=1)[:, :top_k]
    mask = np.zeros_like(eligible)
    np.put_along_axis(mask, places, values=True, axis=1)
    return mask & np.isfinite(similarity)


def near(anchors: Rows, candidates: Rows, eligible: np.ndarray, seconds: float) -> np.ndarray:
    """[A, C] the eligible candidates of the anchor's clip within that time."""
    apart = np.abs(anchors.time.numpy()[:, None] - candidates.time.numpy())
    same = anchors.clip.numpy()[:, None] == candidates.clip.numpy()
    return eligible & same & (apart < seconds)


def test_random_cases_of_maskers_agree_with_the_reference(much: bool, count: Callable[[str], None]) -> None:
    """The reference's mask, nobody who may not be masked, whatever the order."""
    tried: Counter[str] = Counter()

    def one(data: st.DataObject) -> None:
        generator = torch.Generator().manual_seed(data.draw(st.integers(0, 2**32 - 1)))
        anchors, candidates = (rows_of(data.draw(st.integers(1, 20)), 16, generator) for _ in range(2))
        share = data.draw(st.sampled_from([0.0, 0.5, 1.0]))
        eligible = torch.rand(len(anchors), len(candidates), generator=generator) < share
        known = [rows.descriptor.isfinite().all(dim=1) for rows in (anchors, candidates)]
        eligible &= known[0][:, None] & known[1]
        masker: NegativeMasker
        if data.draw(st.booleans()):
            top_k = data.draw(st.integers(1, 4))
            masker = MaskFN(MaskFNOptions(descriptor="geometry", top_k=top_k, threshold=None))
            expected = nearest(anchors, candidates, eligible.numpy(), top_k)
        else:
            seconds = data.draw(st.sampled_from([0.1, 1.0, 5.0]))
            masker = NearInTime(NearInTimeOptions(gap=seconds))
            expected = near(anchors, candidates, eligible.numpy(), seconds)
        found = masker.mask(anchors, candidates, eligible)
        assert np.array_equal(found.numpy(), expected)
        assert not (found & ~eligible).any()
        one, other = (torch.randperm(len(rows), generator=generator) for rows in (anchors, candidates))
        moved = masker.mask(of_order(anchors, one), of_order(candidates, other), eligible[one][:, other])
        assert torch.equal(moved, found[one][:, other])
        tried[type(masker).__name__] += 1

    check_all(one, much)
    count(", ".join(f"{cases} cases of {name}" for name, cases in sorted(tried.items())))
