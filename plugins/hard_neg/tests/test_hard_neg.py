"""HardNeg chooses distinct frames of the clip, beyond the gap, all equally likely on a side."""

from collections import Counter
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.change import change
from ssltoolbox_hard_neg.sampler import HardNeg

from ssltoolbox.api import Clip, DataFacts, Setting

PAPER_FPS = 25 / 6

irregular_times = st.lists(st.floats(0.02, 2.0), min_size=1, max_size=80).map(np.cumsum)


def clip_at(times: ArrayLike, landmarks: np.ndarray | None = None) -> Clip:
    load = None if landmarks is None else lambda: landmarks
    return Clip(index=0, identity=0, times=np.asarray(times, dtype=np.float64), load_landmarks=load)


def moving_mouth(opening: ArrayLike) -> np.ndarray:
    """[T, 68, 2] landmarks of a face whose mouth is open by `opening` pixels."""
    face = np.random.default_rng(1).uniform(0, 48, (68, 2)).astype(np.float32)
    landmarks = np.repeat(face[None], len(opening), axis=0)
    landmarks[:, 56:60, 1] += np.asarray(opening, np.float32)[:, None]
    return landmarks


@given(
    times=irregular_times,
    gap=st.floats(0.1, 10.0),
    count=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_in_the_clip_distinct_and_never_nearer_than_the_gap(
    times: list[float], gap: float, count: int, seed: int, data: st.DataObject
) -> None:
    clip = clip_at(times)
    anchor = data.draw(st.integers(0, len(clip) - 1))
    picked = HardNeg(HardNegOptions(gap=gap, count=count)).pick(clip, anchor, np.random.default_rng(seed))
    far = np.flatnonzero(np.abs(clip.times - clip.times[anchor]) >= gap * (1 - 1e-9))
    assert set(picked) <= set(far.tolist())
    assert len(set(picked)) == len(picked) == min(count, len(far))


def test_the_papers_gap_is_twelve_frames() -> None:
    clip = clip_at(np.arange(60) / PAPER_FPS)
    strategy = HardNeg(HardNegOptions())
    distances = {abs(strategy.pick(clip, 30, np.random.default_rng(seed))[0] - 30) for seed in range(500)}
    assert min(distances) == 12


def test_sides_are_equally_likely_and_their_frames_too() -> None:
    """For anchor 20 of 60, nine frames are before and 28 after. Each side gets half of the draws."""
    clip = clip_at(np.arange(60) / PAPER_FPS)
    strategy, rng, draws = HardNeg(HardNegOptions()), np.random.default_rng(0), 8000
    counts = Counter(strategy.pick(clip, 20, rng)[0] for _ in range(draws))
    before, after = range(9), range(32, 60)
    assert set(counts) == {*before, *after}
    expected = {**dict.fromkeys(before, draws / 18), **dict.fromkeys(after, draws / 56)}
    chi_squared = sum((counts[frame] - n) ** 2 / n for frame, n in expected.items())
    assert chi_squared < 68  # p = .001 at 36 degrees of freedom


def test_a_side_without_frames_is_not_chosen() -> None:
    clip = clip_at(np.arange(15) / PAPER_FPS)
    assert all(HardNeg(HardNegOptions()).pick(clip, 0, np.random.default_rng(s))[0] >= 12 for s in range(20))
    assert HardNeg(HardNegOptions()).pick(clip, 7, np.random.default_rng(0)) == []


@pytest.mark.parametrize(("longest", "complains"), [(13, False), (12, True)])
def test_a_gap_longer_than_the_clips_is_reported(longest: int, complains: bool) -> None:
    facts = DataFacts(
        clips=9, identities=3, frames=90, fps=PAPER_FPS, size=8, shortest=longest, longest=longest
    )
    setting = Setting(data=facts, instances=8, draws=4, hard_negatives=1)
    problems = list(HardNegOptions().problems(setting))
    assert bool(problems) == complains
    if complains:
        assert "2.64 s" in problems[0].message
        assert "2.88 s" in problems[0].message


@given(
    times=irregular_times,
    gap=st.floats(0.1, 10.0),
    count=st.integers(1, 4),
    candidates=st.integers(2, 30),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_the_most_changed_frames_keep_the_gap_too(
    times: list[float], gap: float, count: int, candidates: int, seed: int, data: st.DataObject
) -> None:
    clip = clip_at(times, moving_mouth(np.random.default_rng(seed).uniform(0, 9, len(times))))
    anchor = data.draw(st.integers(0, len(clip) - 1))
    options = HardNegOptions(gap=gap, count=count, choose="changed", candidates=candidates)
    picked = HardNeg(options).pick(clip, anchor, np.random.default_rng(seed))
    far = np.flatnonzero(np.abs(clip.times - clip.times[anchor]) >= gap * (1 - 1e-9))
    assert set(picked) <= set(far.tolist())
    assert len(set(picked)) == len(picked) == min(count, len(far))


def test_changed_takes_the_most_changed_of_the_candidates() -> None:
    opening = np.random.default_rng(3).permutation(60)
    clip = clip_at(np.arange(60) / PAPER_FPS, moving_mouth(opening))
    options = HardNegOptions(choose="changed", candidates=60, count=2)
    far = [frame for frame in range(60) if abs(frame - 20) >= 12]
    expected = sorted(far, key=lambda frame: -abs(int(opening[frame]) - int(opening[20])))[:2]
    assert HardNeg(options).pick(clip, 20, np.random.default_rng(0)) == expected


def test_more_candidates_find_more_changed_frames() -> None:
    clip = clip_at(np.arange(60) / PAPER_FPS, moving_mouth(np.arange(60) % 7))

    def mean_change(candidates: int) -> float:
        strategy = HardNeg(HardNegOptions(choose="changed", candidates=candidates))
        picks = [strategy.pick(clip, 30, np.random.default_rng(seed))[0] for seed in range(200)]
        return float(change(clip.landmarks[30], clip.landmarks[picks]).mean())

    assert mean_change(2) < mean_change(4) < mean_change(16)


def test_change_depends_only_on_shapes() -> None:
    """Another position, size or roll of the face is no change; an open mouth is a change."""
    landmarks = moving_mouth([0, 0, 4])
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32)
    landmarks[1] = landmarks[1] @ turn * 1.5 + 7
    same, opened = change(landmarks[0], landmarks[1:])
    assert same == pytest.approx(0, abs=1e-5)
    assert opened > 0.05


def test_without_landmarks_there_is_no_change() -> None:
    landmarks = moving_mouth([0, 5, 9])
    landmarks[1] = np.nan
    assert change(landmarks[0], landmarks[1:])[0] == 0
    assert change(landmarks[1], landmarks[[0, 2]]).tolist() == [0, 0]
    far = clip_at(np.arange(40) / PAPER_FPS)
    first = HardNeg(HardNegOptions()).pick(far, 0, np.random.default_rng(5))
    assert HardNeg(HardNegOptions(choose="changed")).pick(far, 0, np.random.default_rng(5)) == first


@pytest.mark.parametrize(("choose", "needs"), [("any", set()), ("changed", {"landmarks"})])
def test_what_it_needs_of_the_data(choose: str, needs: set[str]) -> None:
    assert HardNegOptions(choose=choose).also_needs() == needs


class People:
    """A catalogue of clips of two people."""

    def __init__(self, clips: list[Clip]) -> None:
        self.clips = [clip.within(self) for clip in clips]
        self.identities = np.array([clip.identity for clip in clips])

    def __len__(self) -> int:
        return len(self.clips)

    def clip(self, index: int) -> Clip:
        return self.clips[index]

    def of_identity(self, identity: int) -> np.ndarray:
        return np.flatnonzero(self.identities == identity)


def people(lengths: list[int], identities: list[int], openings: list[ArrayLike] | None = None) -> People:
    """Clips of so many frames."""
    landmarks = [moving_mouth(opening) for opening in openings] if openings else [None] * len(lengths)
    return People(
        [
            Clip(
                index=index,
                identity=identity,
                times=np.arange(length) / PAPER_FPS,
                load_landmarks=None if points is None else partial(np.copy, points),
            )
            for index, (length, identity, points) in enumerate(
                zip(lengths, identities, landmarks, strict=True)
            )
        ]
    )


def test_an_anchor_of_a_short_clip_gets_frames_of_another_clip_of_the_person() -> None:
    clips = people([5, 8, 8, 8], [0, 0, 1, 0])
    strategy = HardNeg(HardNegOptions(other_clips=True, count=2))
    picked = [strategy.pick(clips.clip(0), 3, np.random.default_rng(seed)) for seed in range(200)]
    assert {pick.clip for picks in picked for pick in picks} == {1, 3}
    assert {pick.frame for picks in picked for pick in picks} == set(range(8))
    assert all(len({(pick.clip, pick.frame) for pick in picks}) == 2 for picks in picked)


def test_a_clip_that_is_long_enough_needs_no_other() -> None:
    clips = people([40, 40], [0, 0])
    rng = np.random.default_rng
    with_others, without = (HardNeg(HardNegOptions(other_clips=others)) for others in (True, False))
    for seed in range(20):
        assert with_others.pick(clips.clip(0), 9, rng(seed)) == without.pick(clips.clip(0), 9, rng(seed))


@pytest.mark.parametrize(("identities", "others"), [([0, 1], True), ([0, 0], False)])
def test_without_another_clip_of_the_person_there_is_no_hard_negative(
    identities: list[int], others: bool
) -> None:
    clips = people([5, 40], identities)
    assert HardNeg(HardNegOptions(other_clips=others)).pick(clips.clip(0), 2, np.random.default_rng(0)) == []


def test_changed_compares_the_frames_of_the_other_clip() -> None:
    opening = np.random.default_rng(3).permutation(9)
    clips = people([3, 9], [0, 0], [np.zeros(3), opening])
    strategy = HardNeg(HardNegOptions(other_clips=True, choose="changed", candidates=9, count=2))
    picked = strategy.pick(clips.clip(0), 1, np.random.default_rng(0))
    assert [opening[pick.frame] for pick in picked] == [8, 7]


def test_short_clips_are_no_problem_if_people_have_several() -> None:
    facts = DataFacts(clips=9, identities=3, frames=90, fps=PAPER_FPS, size=8, shortest=9, longest=9)
    setting = Setting(data=facts, instances=8, draws=4, hard_negatives=1)
    assert not list(HardNegOptions(other_clips=True).problems(setting))
    single = replace(setting, data=replace(facts, identities=9))
    assert list(HardNegOptions(other_clips=True).problems(single))
