"""As how many a candidate counts, from who is of whose draw."""

from dataclasses import replace

import torch
from helpers.methods import rows_for

from ssltoolbox.api import Rows
from ssltoolbox.losses import weights_within_draws


def weighed(weight: list[float], draw: list[int]) -> Rows:
    ids = torch.tensor(draw)
    return Rows(ids, ids, ids, ids.double(), torch.empty(len(draw), 0), weight=torch.tensor(weight))


def test_the_larger_of_two_weights_counts_within_a_draw_and_nothing_beyond() -> None:
    rows = weighed([1, 2, 5, 9], draw=[0, 0, 0, 1])
    assert weights_within_draws(rows, rows).tolist() == [
        [1, 2, 5, 1],
        [2, 2, 5, 1],
        [5, 5, 5, 1],
        [1, 1, 1, 9],
    ]


def test_weights_count_between_the_two_sides() -> None:
    rows = replace(weighed([1, 4, 1, 4], draw=[0, 0, 0, 0]), side=torch.tensor([0, 0, 1, 1]))
    assert weights_within_draws(rows, rows).tolist() == [
        [1, 1, 1, 4],
        [1, 1, 4, 4],
        [1, 4, 1, 1],
        [4, 4, 1, 1],
    ]


def test_rows_without_a_weight_have_none() -> None:
    rows = rows_for(3, hard=1)
    assert weights_within_draws(rows, rows) is None
    assert weights_within_draws(weighed([1], [0]), rows) is None
