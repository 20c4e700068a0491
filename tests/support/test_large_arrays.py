"""Arrays in temporary files."""

from __future__ import annotations

import numpy as np
import pytest

from ssltoolbox.support import large_arrays
from ssltoolbox.support.large_arrays import large_array, parts_of


@pytest.mark.parametrize("part", [4, 1000])
@pytest.mark.parametrize("shape", [0, 10, (10, 3)])
@pytest.mark.parametrize("kind", [np.int32, np.float64, "<U5"])
def test_zeros_that_can_be_written(
    part: int, shape: int | tuple[int, ...], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_arrays, "PART", part)
    array = large_array(shape, kind)
    expected = np.zeros(shape, kind)
    assert array.dtype == expected.dtype
    np.testing.assert_array_equal(array, expected)
    array[1:2] = expected[1:2] = 7
    np.testing.assert_array_equal(array, expected)


def test_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arrays, "PART", 4)
    assert [list(range(10)[part]) for part in parts_of(10)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(parts_of(0)) == []
