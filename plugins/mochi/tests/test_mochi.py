"""Further negatives are unit vectors between hard candidates, and enter the loss."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.methods import rows_for, side_at
from ssltoolbox_mochi import MoCHiOptions
from ssltoolbox_mochi.masker import MoCHi, mixed
from torch import Tensor

from ssltoolbox.api import Comparison, Rows, Setting
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.losses import NTXentLoss, RowQueue

GOLDEN = json.loads(
    (Path(__file__).parents[3] / "tests" / "golden" / "losses" / "strategies.json").read_text()
)
A, B = side_at(0.0), side_at(0.35)
NUMBER = torch.arange(5)
ROWS = Rows(NUMBER, NUMBER, NUMBER, NUMBER.double())
EVERYTHING = torch.ones(2, 5, dtype=torch.bool)
CANDIDATES = torch.eye(5, 6)
QUERIES = torch.tensor([[0.6, 0.5, 0.4, 0.0, 0.0, 0.5], [0.0, 0.0, 0.1, 0.75, 0.65, 0.05]])
QUEUE = Comparison(
    ROWS[:2], ROWS, EVERYTHING, EVERYTHING, QUERIES @ CANDIDATES.T, embeddings=(QUERIES, CANDIDATES)
)


def negatives(comparison: Comparison = QUEUE, **options: int) -> Tensor:
    """[2, E, 6]."""
    found = MoCHi(MoCHiOptions(**{"hardest": 2, "pairs": 40, "with_row": 0, **options})).answer(comparison)
    assert found.negatives is not None
    return found.negatives


def test_mixtures_equal_the_reference_numbers() -> None:
    one, other = A[:1, None], A[1:2, None]
    found = mixed(one, other, torch.full((1, 1), 0.5).double()) @ A[2]
    assert found.item() == pytest.approx(GOLDEN["mochi neg-neg A0,A1 .5 . A2"], rel=1e-9)
    found = mixed(A[2:3, None], A[:1, None], torch.full((1, 1), 0.25).double()) @ A[2]
    assert found.item() == pytest.approx(GOLDEN["mochi query-neg .25 A2,A0 . A2"], rel=1e-9)


def test_pairs_are_between_the_hardest_candidates() -> None:
    found = negatives()
    assert found.shape == (2, 40, 6)
    torch.testing.assert_close(found.norm(dim=2), torch.ones(2, 40))
    used = (found > 0).any(dim=1)
    assert used.tolist() == [[True, True, *[False] * 4], [*[False] * 3, True, True, False]]


def test_a_row_is_at_most_half_of_its_own_negatives() -> None:
    found = negatives(pairs=0, with_row=40, hardest=1)
    assert found.shape == (2, 40, 6)
    hardest = torch.stack([CANDIDATES[0], CANDIDATES[3]])
    to_hardest = (found * hardest[:, None]).sum(dim=2)
    assert (to_hardest >= (hardest * QUERIES).sum(dim=1, keepdim=True)).all()
    assert (to_hardest < 0.999).any()


def test_candidates_that_may_not_be_masked_are_not_mixed() -> None:
    """Hard negatives of the own draw, and empty entries of a queue."""
    eligible = EVERYTHING.clone()
    eligible[:, :4] = False
    found = negatives(replace(QUEUE, eligible=eligible), hardest=5)
    torch.testing.assert_close(found, CANDIDATES[4].expand(2, 40, 6))
    nothing = MoCHi(MoCHiOptions()).answer(replace(QUEUE, eligible=torch.zeros_like(eligible)))
    assert nothing.negatives is None


def test_a_step_repeats_and_another_differs() -> None:
    later = replace(QUEUE, anchors=replace(QUEUE.anchors, draw=QUEUE.anchors.draw + 100))
    assert torch.equal(negatives(), negatives())
    assert not torch.equal(negatives(), negatives(later))


def test_nothing_is_added_in_the_warm_up() -> None:
    masker = MoCHi(MoCHiOptions(warmup_steps=2))
    assert masker.needs_step
    assert masker.answer(replace(QUEUE, step=1)).negatives is None
    assert masker.answer(replace(QUEUE, step=2)).negatives is not None


@pytest.mark.parametrize("hard", [0, 1])
@pytest.mark.parametrize("weight", [None, 3.0])
def test_further_negatives_enter_the_loss(hard: int, weight: float | None) -> None:
    """With and without explicit negatives of the method, and their weights."""
    masker = MoCHi(MoCHiOptions(hardest=3, pairs=2, with_row=1))
    rows = replace(rows_for(4), descriptors={"mochi": torch.empty(8, 0)})
    own = A.roll(1, dims=0)[:, None] if hard else None
    own_weights = torch.full((4, 1), weight).double() if hard and weight else None
    loss, queue = NTXentLoss(0.2, (8, 6)).double(), RowQueue(8)
    loss.memory_bank.bank = torch.cat([A, B]).roll(2, dims=0)
    queue.enqueue(replace(rows, draw=torch.arange(10, 18)), 0)
    arguments = (rows[:4], queue.rows(), MaskerUnion({"mochi": masker}), own, own_weights)
    found = loss.compare(A, B, *arguments).loss
    bank = loss.memory_bank.bank
    everything = torch.ones(4, 8, dtype=torch.bool)
    comparison = Comparison(rows[:4], queue.rows(), everything, everything, A @ bank.T, embeddings=(A, bank))
    further = masker.answer(comparison).negatives
    assert further is not None
    logits = torch.cat([A @ bank.T, (further @ A[:, :, None])[..., 0]], dim=1) / 0.2
    if own is not None:
        own_logits = (own @ A[:, :, None])[..., 0] / 0.2
        logits = torch.cat(
            [logits, own_logits + (own_weights.log() if own_weights is not None else 0)], dim=1
        )
    expected = (1 + (logits - (A * B).sum(dim=1, keepdim=True) / 0.2).exp().sum(dim=1)).log().mean()
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("options", "warnings"),
    [({}, []), ({"pairs": 0, "with_row": 0}, [False]), ({"warmup_steps": 8}, [True])],
)
def test_options_of_mochi_that_have_no_effect_are_reported(
    options: dict[str, int], warnings: list[bool]
) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, steps=8)
    problems = MoCHiOptions(**options).problems(setting)
    assert [problem.warning for problem in problems] == warnings
