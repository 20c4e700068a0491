"""Frames nearer in time must be nearer in feature; the numbers are those of the published formulas."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from helpers.methods import side_at
from ssltoolbox_temporal_rank import TemporalRankOptions
from ssltoolbox_temporal_rank.loss import TemporalRank, contrast, hinge, time_gaps
from torch import Tensor

from ssltoolbox.api import AuxiliaryInputs, Rows, Setting, SslToolboxError

DISTANCES = (
    (0.013860771468851039, 0.054353927759294624, 0.11913184296393968, 0.20518662098221052),
    (0.008267255688536987, 0.03242809750543703, 0.07165555525916506, 0.1253138776805954),
)
"""Squared distances of four frames, in the order of time, from an anchor."""


def rows_at(clip: list[int], time: list[float]) -> Rows:
    number = torch.arange(len(clip))
    clips = torch.tensor(clip)
    return Rows(number, clips, clips, torch.tensor(time, dtype=torch.float64))


def loss_of(embeddings: Tensor, rows: Rows, **options: object) -> Tensor:
    term = TemporalRank(TemporalRankOptions(**options), context=None)
    return term.loss(AuxiliaryInputs(embeddings, embeddings, rows, 0)).loss


@pytest.mark.parametrize(("margin", "expected"), [(0.03, 0.002919579091549978), (0.3, 0.7458137642472911)])
def test_the_hinge_equals_the_published_one(margin: float, expected: float) -> None:
    """The columns are shuffled, so that the gaps decide their order."""
    shuffled = torch.tensor([2, 0, 3, 1])
    distances = torch.tensor(DISTANCES, dtype=torch.float64)[:, shuffled]
    gaps = torch.tensor([1.0, 2.0, 3.0, 4.0]).repeat(2, 1)[:, shuffled]
    loss, ranked = hinge(distances, gaps, margin)
    torch.testing.assert_close(loss.item(), expected)
    assert ranked.all()


def test_the_contrast_equals_the_published_one() -> None:
    """Rank 1 is the pair, rank 2 the next row of the same side, which `contrast` gets as a matrix."""
    both = torch.cat([side_at(0.0), side_at(0.35)])
    number = torch.arange(8)
    following = number // 4 * 4 + (number % 4 + 1) % 4
    loss = contrast(both @ both.T, number[None] == following[:, None], (0.1, 0.15))
    torch.testing.assert_close(loss.item(), 3.8441325924957885)


def test_contrast_takes_frames_of_the_clip_as_rank_two() -> None:
    """Two clips with two pairs each: frames close to their own clip cost less than frames close to the other."""
    rows = rows_at([0, 0, 1, 1] * 2, [0.0, 1.0] * 4)
    own = torch.eye(2)[[0, 0, 1, 1]].repeat(2, 1)
    crossed = torch.eye(2)[[0, 1, 0, 1]].repeat(2, 1)
    assert loss_of(own, rows, form="contrast") < loss_of(crossed, rows, form="contrast") - 1


def test_contrast_is_refused_without_pairs() -> None:
    term = TemporalRank(TemporalRankOptions(form="contrast"), context=None)
    rows = rows_at([0, 0, 1, 1], [0.0, 1.0] * 2)
    with pytest.raises(SslToolboxError, match="pairs"):
        term.loss(AuxiliaryInputs(torch.eye(4), None, rows, 0, two_sides=False))


def test_mixed_precision_keeps_small_distances() -> None:
    """In bfloat16 the squared distances of near frames would be multiples of 0.008."""
    rows = rows_at([7] * 6, [float(t) for t in range(6)])
    angle = 0.02 * torch.arange(6.0)
    embeddings = torch.stack([angle.cos(), angle.sin()], dim=1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = loss_of(embeddings, rows)
    torch.testing.assert_close(mixed, loss_of(embeddings, rows))


def test_the_order_in_time_is_learned() -> None:
    rows = rows_at([7] * 6 + [8] * 6, [float(t) for t in range(6)] * 2)
    torch.manual_seed(0)
    embeddings = torch.randn(12, 4, requires_grad=True)
    optimiser = torch.optim.Adam([embeddings], lr=0.05)
    first = loss_of(embeddings, rows)
    for _ in range(200):
        optimiser.zero_grad()
        loss_of(embeddings, rows).backward()
        optimiser.step()
    unit = F.normalize(embeddings.detach(), dim=1)
    distance = 2 - 2 * unit @ unit.T
    assert loss_of(embeddings, rows) < 0.2 * first
    assert distance[0, 1] < distance[0, 3] < distance[0, 5]


def test_frames_equally_far_away_are_not_ranked() -> None:
    gaps = time_gaps(rows_at([7, 7, 7], [0.0, -1.0, 1.0]))
    assert gaps[0].tolist() == [torch.inf, 1.0, 1.0]
    distances = torch.tensor([[0.0, 0.9, 0.1], [0.9, 0.0, 2.0], [0.1, 2.0, 0.0]])
    loss, ranked = hinge(distances, gaps, margin=0.03)
    assert ranked.tolist() == [False, True, True]
    assert loss == 0


def test_clips_with_one_pair_have_nothing_to_rank() -> None:
    rows = rows_at([0, 1, 0, 1], [0.0, 0.0, 1.0, 1.0])
    embeddings = torch.eye(4, requires_grad=True)
    loss = loss_of(embeddings, rows)
    loss.backward()
    assert loss == 0
    assert embeddings.grad is not None


@pytest.mark.parametrize(
    ("options", "hard_negatives", "warnings"),
    [({}, 1, []), ({}, 0, [True]), ({"temperatures": (0.1, 0.0)}, 1, [False])],
)
def test_options_of_temporal_rank_that_do_not_fit_are_reported(
    options: dict[str, object], hard_negatives: int, warnings: list[bool]
) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=hard_negatives)
    problems = TemporalRankOptions(**options).problems(setting)
    assert [problem.warning for problem in problems] == warnings
