"""Who is masked: the nearest eligible candidates, no more than asked, and nobody below the threshold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from ssltoolbox_mask_fn import MaskFNOptions
from ssltoolbox_mask_fn.masker import MaskFN
from torch import Tensor

from ssltoolbox.api import Rows
from ssltoolbox.losses import NTXentLoss

GOLDEN = Path(__file__).parents[3] / "tests" / "golden" / "losses" / "maskfn_cases.json"


def rows(descriptor: Tensor) -> Rows:
    index = torch.arange(len(descriptor))
    return Rows(index, index, index, index.double(), descriptor)


def mask(anchors: Tensor, candidates: Tensor, eligible: Tensor | None = None, **options: object) -> Tensor:
    if eligible is None:
        eligible = torch.ones(len(anchors), len(candidates), dtype=torch.bool)
    masker = MaskFN(MaskFNOptions(descriptor="geometry", **options))
    return masker.mask(rows(anchors), rows(candidates), eligible)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Tensor, Tensor, Tensor]:
    """Anchors and candidates of small whole numbers, for there to be ties, some NaN; who is eligible."""
    anchors, candidates, width = draw(st.integers(1, 8)), draw(st.integers(1, 12)), draw(st.integers(1, 3))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32 - 1)))
    made = [torch.randint(-2, 3, (n, width), generator=generator).float() for n in (anchors, candidates)]
    for part in made:
        part[torch.rand(len(part), generator=generator) < 0.1] = torch.nan
    share = draw(st.sampled_from([0.0, 0.3, 1.0]))
    return made[0], made[1], torch.rand(anchors, candidates, generator=generator) < share


def reference(
    anchors: Tensor, candidates: Tensor, eligible: Tensor, top_k: int, threshold: float
) -> list[list[int]]:
    """Row by row, with a sort."""
    similarity = (F.normalize(anchors) @ F.normalize(candidates).T).tolist()
    picked = []
    for row, may in zip(similarity, eligible.tolist(), strict=True):
        open_to = [c for c, value in enumerate(row) if may[c] and value >= threshold]
        picked.append(sorted(sorted(open_to, key=lambda c: -row[c])[:top_k]))
    return picked


@settings(deadline=None, max_examples=300)
@given(case=cases(), top_k=st.integers(1, 5), threshold=st.none() | st.sampled_from([-1.0, 0.0, 0.35, 0.9]))
def test_the_nearest_eligible_ones_above_the_threshold(
    case: tuple[Tensor, Tensor, Tensor], top_k: int, threshold: float | None
) -> None:
    picked = mask(*case, top_k=top_k, threshold=threshold)
    limit = -torch.inf if threshold is None else threshold
    assert [row.nonzero()[:, 0].tolist() for row in picked] == reference(*case, top_k, limit)
    assert not (picked & ~case[2]).any()
    assert picked.sum(dim=1).max() <= top_k


@settings(deadline=None, max_examples=100)
@given(seed=st.integers(0, 2**32 - 1), top_k=st.integers(1, 4), size=st.integers(1, 20))
def test_another_order_gives_the_same_pairs(seed: int, top_k: int, size: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    anchors, candidates = torch.randn(2, size, 5, generator=generator, dtype=torch.float64)
    eligible = torch.rand(size, size, generator=generator) < 0.7
    one, other = (torch.randperm(size, generator=generator) for _ in range(2))
    picked = mask(anchors, candidates, eligible, top_k=top_k)
    reordered = mask(anchors[one], candidates[other], eligible[one][:, other], top_k=top_k)
    assert torch.equal(reordered, picked[one][:, other])


def test_of_equals_the_first() -> None:
    same = torch.ones(4, 2)
    assert mask(same, same).int().tolist() == [[1, 0, 0, 0]] * 4
    assert mask(same, same, top_k=2).int().tolist() == [[1, 1, 0, 0]] * 4


def test_one_sample_has_nobody_to_mask() -> None:
    alone = torch.ones(2, 3)
    assert not mask(alone, alone, torch.zeros(2, 2, dtype=torch.bool)).any()


def test_an_empty_queue_gives_an_empty_mask() -> None:
    assert mask(torch.ones(3, 2), torch.empty(0, 2)).shape == (3, 0)


def test_the_length_of_a_descriptor_does_not_matter() -> None:
    candidates = torch.tensor([[10.0, 9.0], [0.1, 0.0]])
    assert mask(torch.tensor([[1.0, 0.0]]), candidates).tolist() == [[False, True]]


def test_the_nearest_entry_of_a_long_queue_is_masked() -> None:
    generator = torch.Generator().manual_seed(0)
    queue = torch.randn(4096, 16, generator=generator)
    queue[1000:] = torch.nan
    own = torch.tensor([5, 999, 0])
    picked = mask(queue[own] * 2, queue)
    assert picked.nonzero().tolist() == [[0, 5], [1, 999], [2, 0]]


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text()))
def test_masks_lead_to_the_published_loss(case: dict[str, Any]) -> None:
    """Nothing protected but a row itself and its positive."""
    instances = case["instances"]
    draw = torch.arange(instances).repeat(2)
    descriptors = torch.tensor(case["descriptors"])
    masked = mask(descriptors, descriptors, draw[:, None] != draw)
    features = torch.tensor(case["features"])
    sides = features[:instances], features[instances:]
    loss = NTXentLoss(case["temperature"])
    cancel, attraction = loss.terms(*sides, masked)
    assert cancel.item() == pytest.approx(case["cancel_loss"], abs=1e-5)
    assert attraction.item() == pytest.approx(case["attract_term"], abs=1e-5)
    total = loss(*sides, masked, attract=case["attract_weight"])
    assert total.item() == pytest.approx(case["total"], abs=1e-5)
