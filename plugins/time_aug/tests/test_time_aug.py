"""TimeAug stays in the clip, keeps its offsets in seconds, and follows its weights."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from pydantic import ValidationError
from ssltoolbox_time_aug import PAPER_OFFSETS, TimeAugOptions
from ssltoolbox_time_aug.generator import TimeAug

from ssltoolbox.api import Clip, DataFacts, Setting

PAPER_FPS = 25 / 6


def clip_at(times: ArrayLike) -> Clip:
    return Clip(index=0, identity=0, times=np.asarray(times, dtype=np.float64))


irregular_times = st.lists(st.floats(0.02, 2.0), min_size=1, max_size=60).map(np.cumsum)


@given(times=irregular_times, seed=st.integers(0, 2**32 - 1), data=st.data())
def test_never_out_of_the_clip_and_never_far_from_the_offset(
    times: list[float], seed: int, data: st.DataObject
) -> None:
    clip = clip_at(times)
    frame = data.draw(st.integers(0, len(clip) - 1))
    picked = TimeAug(TimeAugOptions()).pick(clip, frame, np.random.default_rng(seed))
    if picked is not None:
        assert 0 <= picked < len(clip)
        assert picked != frame
        distance = abs(clip.times[picked] - clip.times[frame])
        assert min(abs(distance - offset) for offset in PAPER_OFFSETS) <= clip.interval / 2 * 1.001


@pytest.mark.parametrize("fps", [PAPER_FPS, 25, 30, 12.5])
def test_offsets_are_seconds_at_any_frame_rate(fps: float) -> None:
    clip = clip_at(np.arange(int(10 * fps)) / fps)
    strategy = TimeAug(TimeAugOptions())
    middle = len(clip) // 2
    for seed in range(200):
        picked = strategy.pick(clip, middle, np.random.default_rng(seed))
        distance = abs(clip.times[picked] - clip.times[middle])
        assert min(abs(distance - offset) for offset in PAPER_OFFSETS) <= 0.5 / fps + 1e-6


@pytest.mark.parametrize(
    ("weighting", "shares"),
    [
        ("decreasing", [5 / 15, 4 / 15, 3 / 15, 2 / 15, 1 / 15]),
        ("uniform", [1 / 5] * 5),
        ("increasing", [1 / 15, 2 / 15, 3 / 15, 4 / 15, 5 / 15]),
    ],
)
def test_distribution_of_offsets_and_directions(weighting: str, shares: list[float]) -> None:
    """Two to six frames at the paper's rate, in both directions alike."""
    clip = clip_at(np.arange(40) / PAPER_FPS)
    strategy = TimeAug(TimeAugOptions(weighting=weighting))
    rng = np.random.default_rng(0)
    draws = 6000
    counts = Counter(strategy.pick(clip, 20, rng) - 20 for _ in range(draws))
    expected = {
        sign * frames: share / 2
        for frames, share in zip(range(2, 7), shares, strict=True)
        for sign in (-1, 1)
    }
    assert set(counts) == set(expected)
    chi_squared = sum((counts[k] - draws * p) ** 2 / (draws * p) for k, p in expected.items())
    assert chi_squared < 27.9  # p = .001 at 9 degrees of freedom


def test_at_an_end_the_side_that_fits_is_taken() -> None:
    clip = clip_at(np.arange(10) / PAPER_FPS)
    picked = [TimeAug(TimeAugOptions()).pick(clip, 0, np.random.default_rng(seed)) for seed in range(50)]
    assert all(2 <= frame <= 6 for frame in picked)


def test_no_answer_where_neither_side_fits() -> None:
    clip = clip_at(np.arange(2) / PAPER_FPS)
    assert TimeAug(TimeAugOptions()).pick(clip, 0, np.random.default_rng(0)) is None
    assert TimeAug(TimeAugOptions()).pick(clip_at([0.0]), 0, np.random.default_rng(0)) is None


def test_the_same_generator_state_gives_the_same_frame() -> None:
    clip = clip_at(np.arange(40) / PAPER_FPS)
    strategy = TimeAug(TimeAugOptions())
    first, second = (strategy.pick(clip, 20, np.random.default_rng(5)) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("offsets", [(), (0.0,), (-0.5,), (float("nan"),)])
def test_offsets_that_make_no_sense(offsets: tuple[float, ...]) -> None:
    with pytest.raises(ValidationError):
        TimeAugOptions(offsets=offsets)


def test_offsets_below_the_frame_rate_are_reported() -> None:
    facts = DataFacts(clips=9, identities=3, frames=900, fps=1.0, size=8, shortest=100, longest=100)
    setting = Setting(data=facts, instances=8, draws=8, hard_negatives=0)
    (problem,) = TimeAugOptions(offsets=(0.2, 0.4)).problems(setting)
    assert problem.option == "offsets"
    assert "(1 s)" in problem.message
    assert not list(TimeAugOptions(offsets=(0.2, 0.6)).problems(setting))
