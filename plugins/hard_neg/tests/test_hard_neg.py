"""HardNeg stays in the clip, never comes nearer than the gap, and is uniform over the side it chose."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.sampler import HardNeg

from ssltoolbox.api import Clip, DataFacts, Setting

PAPER_FPS = 25 / 6

irregular_times = st.lists(st.floats(0.02, 2.0), min_size=1, max_size=80).map(np.cumsum)


def clip_at(times) -> Clip:
    return Clip(index=0, identity=0, times=np.asarray(times, dtype=np.float64))


@given(
    times=irregular_times,
    gap=st.floats(0.1, 10.0),
    count=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
    data=st.data(),
)
def test_in_the_clip_distinct_and_never_nearer_than_the_gap(times, gap, count, seed, data):
    clip = clip_at(times)
    anchor = data.draw(st.integers(0, len(clip) - 1))
    picked = HardNeg(HardNegOptions(gap=gap, count=count)).pick(clip, anchor, np.random.default_rng(seed))
    far = np.flatnonzero(np.abs(clip.times - clip.times[anchor]) >= gap * (1 - 1e-9))
    assert set(picked) <= set(far.tolist())
    assert len(set(picked)) == len(picked) == min(count, len(far))


def test_the_papers_gap_is_twelve_frames():
    clip = clip_at(np.arange(60) / PAPER_FPS)
    strategy = HardNeg(HardNegOptions())
    distances = {abs(strategy.pick(clip, 30, np.random.default_rng(seed))[0] - 30) for seed in range(500)}
    assert min(distances) == 12


def test_sides_are_tossed_and_frames_uniform():
    """Anchor 20 of 60: nine frames before, 28 after; each side gets half of the draws."""
    clip = clip_at(np.arange(60) / PAPER_FPS)
    strategy, rng, draws = HardNeg(HardNegOptions()), np.random.default_rng(0), 8000
    counts = Counter(strategy.pick(clip, 20, rng)[0] for _ in range(draws))
    before, after = range(9), range(32, 60)
    assert set(counts) == {*before, *after}
    expected = {**dict.fromkeys(before, draws / 18), **dict.fromkeys(after, draws / 56)}
    chi_squared = sum((counts[frame] - n) ** 2 / n for frame, n in expected.items())
    assert chi_squared < 68  # p = .001 at 36 degrees of freedom


def test_the_side_that_has_some_is_taken():
    clip = clip_at(np.arange(15) / PAPER_FPS)
    assert all(HardNeg(HardNegOptions()).pick(clip, 0, np.random.default_rng(s))[0] >= 12 for s in range(20))
    assert HardNeg(HardNegOptions()).pick(clip, 7, np.random.default_rng(0)) == []


@pytest.mark.parametrize(("longest", "complains"), [(13, False), (12, True)])
def test_a_gap_longer_than_the_clips_is_reported(longest, complains):
    facts = DataFacts(
        clips=9, identities=3, frames=90, fps=PAPER_FPS, size=8, shortest=longest, longest=longest
    )
    setting = Setting(data=facts, instances=8, draws=4, hard_negatives=1)
    problems = list(HardNegOptions().problems(setting))
    assert bool(problems) == complains
    if complains:
        assert problems[0].message == "no clip is long enough: the longest lasts 2.64 s, the gap is 2.88 s"
