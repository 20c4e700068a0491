"""Means, spreads and paired differences, beside numpy and SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ssltoolbox.bench.statistics import Difference, paired_difference, summary

numbers = st.floats(-1, 1).map(lambda value: round(value, 4))
pairs = st.lists(st.tuples(numbers, numbers), min_size=2, max_size=12)


def by_condition(values: list[float]) -> dict[str, float]:
    return {str(place): value for place, value in enumerate(values)}


@given(st.lists(numbers, min_size=2))
def test_the_spread_is_numpys(values: list[float]) -> None:
    result = summary(values)
    assert result.n == len(values)
    assert result.mean == pytest.approx(np.mean(values))
    assert result.sd == pytest.approx(np.std(values, ddof=1))


def test_one_run_has_no_spread() -> None:
    assert summary([0.25]).sd is None


@given(pairs)
def test_the_interval_is_scipys(values: list[tuple[float, float]]) -> None:
    ours, theirs = map(list, zip(*values, strict=True))
    if np.ptp(np.subtract(ours, theirs)) < 1e-9:
        return  # SciPy warns where all differences are equal; that is the next test's.
    result = paired_difference(by_condition(ours), by_condition(theirs))
    interval = stats.ttest_rel(ours, theirs).confidence_interval(0.95)
    assert result is not None
    assert result.mean == pytest.approx(np.mean(np.subtract(ours, theirs)))
    assert (result.low, result.high) == (pytest.approx(interval.low), pytest.approx(interval.high))


def test_equal_differences_leave_no_doubt() -> None:
    result = paired_difference({"0": 0.75, "1": 0.5}, {"0": 0.5, "1": 0.25})
    assert result == Difference(2, 0.25, 0.25, 0.25)
    assert result.is_clear


def test_an_example_by_hand() -> None:
    """Differences 1, 2, 3: mean 2, standard error 1/√3, and 4.303 is the quantile for two degrees of freedom."""
    result = paired_difference({"0": 2, "1": 4, "2": 6}, {"2": 3, "1": 2, "0": 1})
    assert result is not None
    margin = 4.302653 / 3**0.5
    assert (result.low, result.high) == (pytest.approx(2 - margin), pytest.approx(2 + margin))
    assert not result.is_clear


def test_only_conditions_that_both_have_are_compared() -> None:
    assert paired_difference({"0": 1.0, "1": 5.0}, {"0": 0.5, "2": 9.0}) == Difference(1, 0.5, None, None)
    assert paired_difference({"0": 1.0}, {"1": 1.0}) is None


def test_a_single_pair_is_never_clear() -> None:
    assert not Difference(1, 0.5, None, None).is_clear
