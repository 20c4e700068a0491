"""Intervals: their sums give the metrics' own numbers, they hold what they should, and they follow people."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.tasks import intervals
from ssltoolbox.tasks.intervals import accuracy_interval, classification_intervals, regression_intervals
from ssltoolbox.tasks.metrics import accuracy, ccc, macro_f1, rmse

seeds = st.integers(0, 10_000)


def one_draw_of_everyone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each round draws each person once, so every interval is the number itself."""

    class Once:
        def multinomial(self, people: int, shares: np.ndarray, rounds: int) -> np.ndarray:
            return np.ones((2, people), np.int64)

    monkeypatch.setattr(intervals.np.random, "default_rng", lambda seed: Once())


@given(seed=seeds, people=st.integers(2, 9), classes=st.integers(1, 8))
def test_the_sums_of_everyone_give_the_metrics(seed: int, people: int, classes: int) -> None:
    rng = np.random.default_rng(seed)
    truth, predicted = rng.integers(classes, size=(2, 60))
    identity = np.concatenate([np.arange(people), rng.integers(people, size=60 - people)])
    values, guesses = rng.normal(size=(2, 60))
    with pytest.MonkeyPatch.context() as monkeypatch:
        one_draw_of_everyone(monkeypatch)
        classes_found = classification_intervals(truth, predicted, identity)
        numbers_found = regression_intervals(values, guesses, identity)
    wanted = {
        "f1_ci": macro_f1(truth, predicted),
        "accuracy_ci": accuracy(truth, predicted),
        "ccc_ci": ccc(values, guesses),
        "rmse_ci": rmse(values, guesses),
    }
    resamples = classes_found.pop("resamples") | numbers_found.pop("resamples")
    intervals_of_one = {name: pytest.approx([value, value]) for name, value in wanted.items()}
    assert classes_found | numbers_found == intervals_of_one
    assert {f"{name}_ci": found for name, found in resamples.items()} == intervals_of_one


def test_people_not_frames_are_drawn() -> None:
    """Ten people who are all right or all wrong: as ten tosses of a coin, however many frames they have."""
    identity = np.repeat(np.arange(10), 200)
    truth = np.zeros(2000, int)
    predicted = (identity % 2).astype(int)
    (low, high) = classification_intervals(truth, predicted, identity)["accuracy_ci"]
    assert (low, high) == (0.2, 0.8)
    (low, high) = classification_intervals(truth, predicted, np.arange(2000))["accuracy_ci"]
    assert 0.47 < low < 0.5 < high < 0.53


def test_the_interval_covers_the_truth_19_times_in_20(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intervals, "ROUNDS", 300)
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(200):
        right = np.repeat(rng.random(60) < 0.7, 3)
        low, high = classification_intervals(np.ones(180), right.astype(float), np.repeat(np.arange(60), 3))[
            "accuracy_ci"
        ]
        hits += low <= 0.7 <= high
    assert 180 <= hits <= 198


def test_the_same_arguments_give_the_same_interval() -> None:
    rng = np.random.default_rng(2)
    truth, predicted, identity = rng.integers(4, size=(3, 50))
    assert classification_intervals(truth, predicted, identity) == classification_intervals(
        truth, predicted, identity
    )


def test_a_single_person_has_no_interval() -> None:
    one = np.zeros(5, int)
    assert classification_intervals(one, one, one) == {}
    assert regression_intervals(np.arange(5.0), np.arange(5.0), one) == {}


def test_constants_go_along_with_nothing() -> None:
    result = regression_intervals(np.full(4, 0.5), np.full(4, 0.5), np.arange(4))
    assert (result["ccc_ci"], result["rmse_ci"]) == ([0, 0], [0, 0])


def test_two_networks_have_the_same_resamples_of_people() -> None:
    """A network that is right 0.1 more often for everyone is so in every resample."""
    identity = np.repeat(np.arange(8), 100)
    rng = np.random.default_rng(3)
    easy = rng.random(8)[identity]
    rank = np.tile(np.arange(100) / 100, 8)
    worse, better = (accuracy_interval(rank < level, identity) for level in (easy * 0.8, easy * 0.8 + 0.1))
    gains = np.subtract(better["resamples"]["accuracy"], worse["resamples"]["accuracy"])
    assert np.ptp(worse["resamples"]["accuracy"]) > 0.2
    assert gains == pytest.approx(np.full(len(gains), 0.1), abs=0.011)
