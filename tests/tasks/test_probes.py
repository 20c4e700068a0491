from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ssltoolbox.tasks.probes import REGULARISERS, average, logistic, ridge, vote
from ssltoolbox.tasks.samples import Samples


def samples(values: np.ndarray, targets: np.ndarray) -> Samples:
    return Samples(values, targets, identity=np.zeros(len(targets), int))


def classes(seed: int, frames: int = 120, dims: int = 6) -> Samples:
    rng = np.random.default_rng(seed)
    targets = rng.integers(3, size=frames)
    centres = np.random.default_rng(0).normal(size=(3, dims))
    return samples(centres[targets] + rng.normal(size=(frames, dims)), targets)


def numbers(seed: int, frames: int = 120) -> Samples:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(frames, 6))
    return samples(values, values @ np.arange(6) / 20 + 0.1)


@settings(max_examples=10, deadline=None)
@given(
    st.lists(st.floats(0.01, 100), min_size=6, max_size=6), st.lists(st.floats(-5, 5), min_size=6, max_size=6)
)
def test_linear_probes_do_not_depend_on_scale_or_offset(scale: list[float], offset: list[float]) -> None:
    for probe, train, queries in (
        (logistic, classes(1), classes(2).values),
        (ridge, numbers(1), numbers(2).values),
    ):
        moved = samples(train.values * scale + offset, train.targets)
        before = probe(train, queries, (1.0, 0.01))
        after = probe(moved, queries * scale + offset, (1.0, 0.01))
        for regulariser in before:
            np.testing.assert_allclose(after[regulariser], before[regulariser], atol=1e-6)


def test_ridge_finds_the_line_and_shrinks_to_the_mean() -> None:
    train, queries = numbers(1), numbers(2)
    found = ridge(train, queries.values, (1e9, 1e-9))
    np.testing.assert_allclose(found[1e9], train.targets.mean(), atol=1e-6)
    np.testing.assert_allclose(found[1e-9], queries.targets, atol=1e-6)


def test_the_regulariser_is_relative_to_the_mean_loss() -> None:
    train, queries = numbers(1), numbers(2).values
    twice = samples(np.repeat(train.values, 2, axis=0), np.repeat(train.targets, 2))
    np.testing.assert_allclose(ridge(twice, queries, (0.1,))[0.1], ridge(train, queries, (0.1,))[0.1])


def test_a_balanced_classifier_does_not_neglect_a_rare_class() -> None:
    rng = np.random.default_rng(0)
    targets = np.repeat([0, 1], [950, 50])
    train = samples(rng.normal(size=(1000, 2)) + targets[:, None], targets)
    queries = rng.normal(size=(500, 2)) + 1
    plain = logistic(train, queries, (0.01,), balanced=False)[0.01]
    balanced = logistic(train, queries, (0.01,), balanced=True)[0.01]
    assert plain.mean() < 0.2
    assert balanced.mean() > 0.7


def test_vote_takes_the_nearest_by_angle() -> None:
    train = samples(np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]]), np.array([4, 7, 2]))
    queries = np.array([[90.0, 1.0], [0.001, 0.01], [-3.0, 1.0]])
    assert vote(train, queries, (1,))[1].tolist() == [4, 7, 2]


def test_a_near_neighbour_outvotes_two_distant_ones() -> None:
    train = samples(np.array([[1.0, 0.0], [1.0, 1.0], [1.0, 1.2]]), np.array([0, 1, 1]))
    assert vote(train, np.array([[1.0, 0.01]]), (3,))[3].tolist() == [0]


def test_average_weighs_by_the_exponential_of_the_cosine() -> None:
    train = samples(np.array([[1.0, 0.0], [1.0, 1.0], [-1.0, 0.0]]), np.array([0.0, 1.0, 9.0]))
    near, far = np.exp(1 / 0.07), np.exp(np.sqrt(0.5) / 0.07)
    found = average(train, np.array([[2.0, 0.0]]), (1, 2))
    assert found[1] == pytest.approx([0.0])
    assert found[2] == pytest.approx([far / (near + far)])


@pytest.mark.parametrize(("probe", "samples"), [(vote, classes), (average, numbers)])
def test_several_k_in_one_pass_are_as_one_by_one(
    probe: Callable[..., dict[int, np.ndarray]], samples: Callable[[int], Samples]
) -> None:
    train, queries = samples(1), samples(2).values
    together = probe(train, queries, (50, 1, 7))
    for k in (50, 1, 7):
        np.testing.assert_array_equal(together[k], probe(train, queries, (k,))[k])


@pytest.mark.parametrize(("probe", "samples"), [(vote, classes), (average, numbers)])
def test_k_beyond_the_training_frames_means_all_of_them(
    probe: Callable[..., dict[int, np.ndarray]], samples: Callable[..., Samples]
) -> None:
    train, queries = samples(1, frames=9), samples(2).values
    found = probe(train, queries, (9, 10, 1000))
    np.testing.assert_array_equal(found[10], found[9])
    np.testing.assert_array_equal(found[1000], found[9])


@pytest.mark.parametrize("constant", [0.0, 0.1, -3e20])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_features_are_no_accident(constant: float, dtype: type) -> None:
    values, queries = (np.full((30, 4), constant, dtype).astype(np.float64) for _ in range(2))
    labels = np.repeat([0, 1, 1], 10)
    for regulariser, found in logistic(samples(values, labels), queries, REGULARISERS).items():
        assert len(np.unique(found)) == 1, regulariser
    for found in ridge(samples(values, labels * 0.5), queries, REGULARISERS).values():
        np.testing.assert_allclose(found, 1 / 3)
    assert vote(samples(values, labels), queries, (30,))[30].tolist() == [1] * 30
    np.testing.assert_allclose(average(samples(values, labels * 0.5), queries, (30,))[30], 1 / 3)


def test_a_classifier_of_more_dimensions_than_frames_converges() -> None:
    train = classes(1, frames=20, dims=300)
    found = logistic(train, train.values, REGULARISERS)
    np.testing.assert_array_equal(found[REGULARISERS[-1]], train.targets)


def test_probes_are_deterministic() -> None:
    for probe, samples in ((partial(logistic, balanced=False), classes), (ridge, numbers)):
        first, second = (probe(samples(1), samples(2).values, REGULARISERS) for _ in range(2))
        for regulariser in REGULARISERS:
            np.testing.assert_array_equal(first[regulariser], second[regulariser])
