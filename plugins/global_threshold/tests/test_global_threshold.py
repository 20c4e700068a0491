"""Thresholds follow the published gradient, and are kept for each anchor."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from helpers.methods import side_at
from ssltoolbox_global_threshold import GlobalThresholdOptions
from ssltoolbox_global_threshold.masker import GlobalThreshold, threshold_gradient
from ssltoolbox_global_threshold.thresholds import Thresholds
from torch import Tensor

from ssltoolbox.api import Comparison, Rows, Setting

GOLDEN = json.loads(
    (Path(__file__).parents[3] / "tests" / "golden" / "losses" / "strategies.json").read_text()
)
BOTH = torch.cat([side_at(0.0), side_at(0.35)])
NUMBER = torch.arange(4).repeat(2)
OTHER = NUMBER[:, None] != NUMBER
ROWS = Rows(NUMBER, NUMBER, NUMBER, NUMBER.double())
IN_BATCH = Comparison(ROWS, ROWS, OTHER, OTHER, (BOTH @ BOTH.T).float())


def learned(steps: int = 30, **options: object) -> GlobalThreshold:
    masker = GlobalThreshold(GlobalThresholdOptions(**{"alpha": 0.25, **options}))
    for _ in range(steps):
        masker.update(ROWS, BOTH)
    return masker


def masked(masker: GlobalThreshold, comparison: Comparison = IN_BATCH) -> Tensor:
    found = masker.answer(comparison).masked
    assert found is not None
    return found


def test_the_published_gradient() -> None:
    gradient = threshold_gradient(BOTH @ BOTH.T, OTHER, torch.full((8,), 0.5), 0.25)
    torch.testing.assert_close(gradient.tolist(), GOLDEN["glofnd_gradient alpha.25 lam.5"])


def test_an_anchor_that_was_not_seen_masks_nothing() -> None:
    assert not masked(learned(0)).any()


def test_thresholds_are_optimised_by_adam() -> None:
    """Both rows of an anchor give one step with their mean gradient; torch's own optimiser is the reference."""
    masker = learned(5)
    expected = torch.full((4,), 1.0, requires_grad=True)
    adam = torch.optim.Adam([expected], lr=0.05, betas=(0.9, 0.98), eps=1e-8)
    for _ in range(5):
        gradient = threshold_gradient(BOTH @ BOTH.T, OTHER, expected.detach().repeat(2), 0.25)
        expected.grad = gradient.view(2, 4).mean(dim=0).float()
        adam.step()
        expected.detach().clamp_(-1, 1)
    torch.testing.assert_close(masker.thresholds.values, expected.detach())
    assert (expected < 1).all()


def test_a_share_of_all_negatives_is_above_the_threshold() -> None:
    found = masked(learned(300, lr=0.01))
    assert not found[~OTHER].any()
    share = found.sum() / OTHER.sum()
    assert 0.15 < share < 0.35


def test_anchors_are_clips_or_frames() -> None:
    later = replace(ROWS, time=ROWS.time + 0.04)
    of_clips, of_frames = (learned(5, per=per).thresholds for per in ("clip", "frame"))
    assert (of_clips.of(NUMBER) < 1).all()
    assert len(of_clips.anchors) == len(of_frames.anchors) == 4
    masker = learned(5, per="frame")
    masker.update(later, BOTH)
    assert len(masker.thresholds.anchors) == 8
    assert (masker.thresholds.updates == torch.tensor([5.0, 1.0]).repeat(4)).all()


def test_new_anchors_leave_the_others_alone() -> None:
    table = Thresholds(lr=0.05)
    table.learn(torch.tensor([5, 3, 5]), torch.tensor([-0.5, -0.25, -0.5]))
    before = table.of(torch.tensor([3, 5]))
    table.learn(torch.tensor([4, 9]), torch.tensor([0.1, 0.2]))
    assert table.anchors.tolist() == [3, 4, 5, 9]
    assert torch.equal(table.of(torch.tensor([3, 5])), before)
    assert table.of(torch.tensor([1, 99])).tolist() == [1.0, 1.0]


def test_ranks_do_not_matter() -> None:
    """The rows of two ranks, gathered, are those of one process in another order."""
    order = torch.tensor([0, 1, 4, 5, 2, 3, 6, 7])
    one, two = learned(0), learned(0)
    for _ in range(3):
        one.update(ROWS, BOTH)
        two.update(ROWS[order], BOTH[order])
    torch.testing.assert_close(one.state_dict(), two.state_dict())


def test_a_resumed_table_goes_on_exactly() -> None:
    masker, resumed = learned(3), learned(0)
    resumed.load_state_dict(masker.state_dict())
    masker.update(ROWS, BOTH)
    resumed.update(ROWS, BOTH)
    for name, values in masker.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], values), name


def test_the_warm_up_masks_nothing_and_learns() -> None:
    masker = learned(40, warmup_steps=2)
    assert masker.needs_step
    assert not masked(masker, replace(IN_BATCH, step=1)).any()
    assert masked(masker, replace(IN_BATCH, step=2)).any()


@pytest.mark.parametrize(("steps", "count"), [(0, 0), (5, 1), (6, 0)])
def test_a_warm_up_longer_than_the_run_is_a_warning(steps: int, count: int) -> None:
    setting = Setting(None, instances=8, draws=8, hard_negatives=0, steps=steps)
    problems = GlobalThresholdOptions(warmup_steps=5).problems(setting)
    assert [problem.warning for problem in problems] == [True] * count
