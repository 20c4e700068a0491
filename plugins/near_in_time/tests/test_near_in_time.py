"""Only frames of the same clip that are near in time are masked."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from ssltoolbox_near_in_time import NearInTimeOptions
from ssltoolbox_near_in_time.masker import NearInTime

from ssltoolbox.api import DataFacts, Rows, Setting

moments = st.lists(st.tuples(st.integers(0, 3), st.floats(0, 10)), min_size=1, max_size=12)


def rows_at(places: list[tuple[int, float]]) -> Rows:
    clip = torch.tensor([clip for clip, _ in places])
    time = torch.tensor([time for _, time in places], dtype=torch.float64)
    return Rows(torch.arange(len(clip)), clip, clip, time, torch.empty(len(clip), 0))


@given(anchors=moments, candidates=moments, gap=st.floats(0.1, 5), data=st.data())
def test_near_in_the_same_clip_and_eligible(
    anchors: list[tuple[int, float]], candidates: list[tuple[int, float]], gap: float, data: st.DataObject
) -> None:
    shape = (len(anchors), len(candidates))
    bits = data.draw(st.lists(st.booleans(), min_size=shape[0] * shape[1], max_size=shape[0] * shape[1]))
    eligible = torch.tensor(bits).view(shape)
    masked = NearInTime(NearInTimeOptions(gap=gap)).mask(rows_at(anchors), rows_at(candidates), eligible)
    expected = [
        [clip == other and abs(time - moment) < gap for other, moment in candidates] for clip, time in anchors
    ]
    assert torch.equal(masked, torch.tensor(expected) & eligible)


def test_at_the_gap_it_is_a_negative_again() -> None:
    anchors, candidates = rows_at([(0, 1.0)]), rows_at([(0, 1.5), (0, 2.0), (0, 0.0), (1, 1.0)])
    mask = NearInTime(NearInTimeOptions(gap=1.0)).mask(
        anchors, candidates, torch.ones(1, 4, dtype=torch.bool)
    )
    assert mask.tolist() == [[True, False, False, False]]


def test_empty_entries_of_a_queue_are_not_near() -> None:
    empty = Rows(*torch.full((3, 2), -1), torch.full((2,), torch.nan, dtype=torch.float64), torch.empty(2, 0))
    everything = torch.ones(1, 2, dtype=torch.bool)
    assert not NearInTime(NearInTimeOptions()).mask(rows_at([(0, 0.0)]), empty, everything).any()


@pytest.mark.parametrize(("fps", "complains"), [(25 / 6, False), (0.5, True)])
def test_a_gap_below_the_frame_rate_is_reported(fps: float, complains: bool) -> None:
    facts = DataFacts(clips=9, identities=3, frames=90, fps=fps, size=8, shortest=10, longest=10)
    problems = list(NearInTimeOptions().problems(Setting(facts, instances=8, draws=8, hard_negatives=0)))
    assert ["nearer than 2 s" in problem.message for problem in problems] == complains * [True]
