"""Negatives outside the ring are masked, by their rank in similarity."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from ssltoolbox_ring import RingOptions
from ssltoolbox_ring.masker import Ring
from torch import Tensor

from ssltoolbox.api import Comparison, Rows, Setting

NUMBER = torch.arange(10)
ROWS = Rows(NUMBER, NUMBER, NUMBER, NUMBER.double())
EVERYTHING = torch.ones(2, 10, dtype=torch.bool)
SIMILARITY = torch.stack([torch.linspace(0.9, -0.9, 10), torch.linspace(-0.9, 0.9, 10)])
QUEUE = Comparison(ROWS[:2], ROWS, EVERYTHING, EVERYTHING, SIMILARITY)


def kept(comparison: Comparison = QUEUE, **options: float) -> list[list[int]]:
    """The columns that each row keeps as negatives."""
    masked = Ring(RingOptions(**options)).answer(comparison).masked
    assert masked is not None
    return [row.nonzero().flatten().tolist() for row in comparison.negative & ~masked]


def test_the_ring_is_between_two_shares() -> None:
    assert kept(inner=0.2, outer=0.5) == [[2, 3, 4], [5, 6, 7]]


def test_everything_is_in_the_widest_ring() -> None:
    assert kept(inner=0.0, outer=1.0) == [NUMBER.tolist()] * 2


def test_a_row_keeps_at_least_one_negative() -> None:
    assert kept(inner=0.01, outer=0.011) == [[0], [9]]


def test_hard_negatives_stay_and_are_not_counted() -> None:
    """Column 0 belongs to the row's draw: it is no candidate for the mask, and the ranks begin after it."""
    eligible = EVERYTHING.clone()
    eligible[:, 0] = False
    comparison = replace(QUEUE, eligible=eligible)
    assert kept(comparison, inner=0.25, outer=0.5) == [[0, 3, 4, 5], [0, 5, 6, 7]]


def test_the_row_itself_and_its_positive_have_no_rank() -> None:
    negative = EVERYTHING.clone()
    negative[0, :2] = negative[1, 8:] = False
    assert kept(replace(QUEUE, negative=negative), inner=0.0, outer=0.25) == [[2, 3], [6, 7]]


def test_equal_similarities_are_ranked_by_column() -> None:
    flat = replace(QUEUE, similarity=torch.zeros(2, 10))
    assert kept(flat, inner=0.1, outer=0.3) == [[1, 2]] * 2


@pytest.mark.parametrize(("step", "count"), [(0, 10), (5, 6), (10, 2), (99, 2)])
def test_the_ring_is_annealed(step: int, count: int) -> None:
    masker = Ring(RingOptions(inner=0.0, outer=0.2, anneal_steps=10))
    assert masker.needs_step
    answer = masker.answer(replace(QUEUE, step=step))
    assert answer.masked is not None
    assert (~answer.masked).sum(dim=1).tolist() == [count] * 2
    share: Tensor = answer.terms["outer_share"]
    torch.testing.assert_close(share.item(), count / 10)


@pytest.mark.parametrize(
    ("options", "warnings"),
    [
        ({}, []),
        ({"inner": 0.1}, [False]),
        ({"anneal_steps": 9}, [True]),
        ({"anneal_steps": 8}, []),
    ],
)
def test_options_of_ring_that_have_no_effect_are_reported(
    options: dict[str, float], warnings: list[bool]
) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, steps=8)
    problems = RingOptions(**options).problems(setting)
    assert [problem.warning for problem in problems] == warnings
