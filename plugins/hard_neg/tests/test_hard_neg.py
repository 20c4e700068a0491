"""HardNeg chooses distinct frames of the clip, beyond the gap, all equally likely on a side."""

from collections import Counter

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
        return float(change(clip.landmarks, 30, picks).mean())

    assert mean_change(2) < mean_change(4) < mean_change(16)


def test_change_depends_only_on_shapes() -> None:
    """Another position, size or roll of the face is no change; an open mouth is a change."""
    landmarks = moving_mouth([0, 0, 4])
    turn = np.array([[0.8, 0.6], [-0.6, 0.8]], np.float32)
    landmarks[1] = landmarks[1] @ turn * 1.5 + 7
    same, opened = change(landmarks, 0, [1, 2])
    assert same == pytest.approx(0, abs=1e-5)
    assert opened > 0.05


def test_without_landmarks_there_is_no_change() -> None:
    landmarks = moving_mouth([0, 5, 9])
    landmarks[1] = np.nan
    assert change(landmarks, 0, [1, 2])[0] == 0
    assert change(landmarks, 1, [0, 2]).tolist() == [0, 0]
    far = clip_at(np.arange(40) / PAPER_FPS)
    first = HardNeg(HardNegOptions()).pick(far, 0, np.random.default_rng(5))
    assert HardNeg(HardNegOptions(choose="changed")).pick(far, 0, np.random.default_rng(5)) == first


@pytest.mark.parametrize(("choose", "needs"), [("any", set()), ("changed", {"landmarks"})])
def test_what_it_needs_of_the_data(choose: str, needs: set[str]) -> None:
    assert HardNegOptions(choose=choose).also_needs() == needs
