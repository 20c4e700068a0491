import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.regression import concordance_corrcoef

from ssltoolbox.tasks.metrics import accuracy, ccc, macro_f1, rmse

numbers = st.integers(-100, 100).map(lambda n: n / 100)


@given(st.lists(st.tuples(numbers, numbers), min_size=2, max_size=30))
def test_ccc_is_that_of_torchmetrics(pairs: list[tuple[float, float]]) -> None:
    x, y = np.array(pairs).T
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        expected = 0.0
    else:
        expected = float(concordance_corrcoef(torch.from_numpy(x), torch.from_numpy(y)))
    assert ccc(x, y) == pytest.approx(expected, abs=1e-9)
    assert ccc(y, x) == pytest.approx(ccc(x, y), abs=1e-9)


def test_ccc_punishes_scale_and_offset_where_correlation_does_not() -> None:
    truth = np.array([-0.5, 0.0, 0.5])
    assert ccc(truth, truth) == pytest.approx(1)
    assert ccc(truth, -truth) == pytest.approx(-1)
    assert ccc(truth, truth / 2) == pytest.approx(0.8)
    assert ccc(truth, truth + 0.5) == pytest.approx(2 / 3)


@pytest.mark.parametrize("truth", [[0.3, 0.3, 0.3], [0.1, 0.2, 0.3]])
def test_ccc_of_a_constant_is_zero(truth: list[float]) -> None:
    assert ccc(np.array(truth), np.full(3, 0.3)) == 0


def test_ccc_of_a_single_frame_is_zero() -> None:
    assert ccc(np.array([0.2], np.float32), np.array([0.2])) == 0


def test_rmse_is_the_root_of_the_mean_square() -> None:
    assert rmse(np.array([0.0, 0.0]), np.array([0.3, 0.4])) == pytest.approx(np.sqrt(0.125))


def test_macro_f1_weighs_classes_alike_and_leaves_out_those_that_the_truth_lacks() -> None:
    truth = np.array([0, 0, 0, 1])
    assert accuracy(truth, np.array([0, 0, 0, 0])) == 0.75
    assert macro_f1(truth, np.array([0, 0, 0, 0])) == pytest.approx((6 / 7 + 0) / 2)
    assert macro_f1(truth, np.array([0, 0, 5, 1])) == pytest.approx((0.8 + 1) / 2)
