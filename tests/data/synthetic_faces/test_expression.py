"""The course of expressions over time."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ssltoolbox.api import EXPRESSIONS
from ssltoolbox.data.synthetic_faces.expression import _AFFECT, _TABLE, ExpressionCourse, draw_expression

FPS = 25 / 6


def course(seed: int, frames: int, fps: float = FPS) -> ExpressionCourse:
    return draw_expression(np.random.default_rng(seed), np.arange(frames) / fps)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32), short=st.integers(1, 99), more=st.integers(0, 99))
def test_a_longer_clip_only_goes_on(seed: int, short: int, more: int) -> None:
    first, both = course(seed, short), course(seed, short + more)
    assert np.array_equal(first.units, both.units[:short])
    assert np.array_equal(first.affect, both.affect[:short])
    assert np.array_equal(first.purity, both.purity[:short])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_purity_is_a_share_and_affect_in_range(seed: int) -> None:
    walk = course(seed, 200)
    assert ((walk.purity > 0.49) & (walk.purity <= 1)).all()
    assert np.abs(walk.affect).max() <= 1


def test_expressions_last_a_few_seconds_and_change_smoothly() -> None:
    walk = course(3, 20_000, fps=50)
    changes = np.flatnonzero(np.diff(walk.label))
    durations = np.diff(changes)[1:] / 50
    assert 3.5 < durations.min() < durations.max() < 7.5
    assert 5 < durations.mean() < 6
    transition = (walk.purity <= 0.85).mean() * 20_000 / len(changes) / 50
    assert 0.15 < transition < 0.4


def test_neighbours_share_a_label_and_distant_frames_do_not() -> None:
    same = {gap: [] for gap in (1, 2, 12)}
    for seed in range(150):
        label = course(seed, 96).label
        for gap, found in same.items():
            found.append((label[gap:] == label[:-gap]).mean())
    assert 0.93 < np.mean(same[1]) < 0.98
    assert 0.88 < np.mean(same[2]) < 0.94
    assert 0.40 < np.mean(same[12]) < 0.55


def test_a_pure_moment_is_its_prototype_at_some_intensity() -> None:
    walk = course(5, 500)
    pure = (walk.purity == 1) & (walk.label == EXPRESSIONS.index("surprise"))
    assert pure.any()
    prototype = _TABLE[EXPRESSIONS.index("surprise")]
    intensity = walk.units[pure] @ prototype / (prototype @ prototype)
    assert ((intensity > 0.55 - 1e-9) & (intensity <= 1)).all()
    np.testing.assert_allclose(walk.units[pure], intensity[:, None] * prototype, atol=1e-12)
    np.testing.assert_allclose(
        walk.affect[pure], intensity[:, None] * _AFFECT[EXPRESSIONS.index("surprise")], atol=1e-12
    )


def test_prototypes_are_far_apart() -> None:
    distance = np.linalg.norm(_TABLE[:, None] - _TABLE[None], axis=-1) + 9 * np.eye(len(EXPRESSIONS))
    assert distance.min() > 0.9
