from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.format import write_array_header_1_0

from ssltoolbox.api import UserError
from ssltoolbox.data.images.files import Extent
from ssltoolbox.data.images.landmarks import read_landmarks, scaled

POINTS = np.random.default_rng(0).uniform(-20, 240, (3, 68, 2))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "landmarks68.npy"


def refused(path: Path, frames: int = 3) -> str:
    with pytest.raises(UserError) as caught:
        read_landmarks(str(path), frames)
    name, _, reason = str(caught.value).partition(": ")
    assert name == str(path)
    return reason


@pytest.mark.parametrize("dtype", ["f2", "<f4", ">f4", "f8", "i2", "u1", "i8"])
def test_any_real_numbers_will_do(path: Path, dtype: str) -> None:
    stored = np.abs(POINTS).astype(dtype)
    np.save(path, stored)
    points = read_landmarks(str(path), 3)
    assert points.dtype == np.float32
    assert type(points) is np.ndarray
    np.testing.assert_array_equal(points, stored.astype(np.float32))


@pytest.mark.parametrize("missing", [np.nan, np.inf, -np.inf, 1e300])
def test_a_row_that_is_not_finite_has_no_landmarks(path: Path, missing: float) -> None:
    stored = POINTS.copy()
    stored[1, 30, 0] = missing
    np.save(path, stored)
    points = read_landmarks(str(path), 3)
    assert np.isnan(points[1]).all()
    np.testing.assert_array_equal(points[[0, 2]], stored[[0, 2]].astype(np.float32))


@pytest.mark.parametrize(
    "shape", [(2, 68, 2), (4, 68, 2), (0, 68, 2), (3, 5, 2), (3, 68, 3), (3, 136), (408,), ()]
)
def test_another_shape_is_refused(path: Path, shape: tuple[int, ...], golden: Golden) -> None:
    np.save(path, np.zeros(shape))
    golden(refused(path))


@pytest.mark.parametrize("dtype", ["?", "c16", "U3", "m8[s]"])
def test_what_is_no_real_number_is_refused(path: Path, dtype: str, golden: Golden) -> None:
    np.save(path, np.zeros((3, 68, 2)).astype(dtype))
    golden(refused(path))


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self.folder),)


NOT_NUMBERS = "not a whole .npy file of plain numbers"


def test_pickled_code_is_never_run(path: Path, tmp_path: Path) -> None:
    bomb = Malicious(tmp_path / "executed")
    np.save(path, np.array([bomb], dtype=object), allow_pickle=True)
    assert refused(path) == NOT_NUMBERS
    path.write_bytes(pickle.dumps(bomb))
    assert refused(path) == NOT_NUMBERS
    assert not (tmp_path / "executed").exists()


def test_an_archive_is_refused(path: Path) -> None:
    with path.open("wb") as file:
        np.savez(file, POINTS)
    assert zipfile.is_zipfile(path)
    assert refused(path) == NOT_NUMBERS


@pytest.mark.parametrize(
    "content", [b"", b"text", b"\x93NUMPY", b"\x93NUMPY\x01\x00v\x00{'descr': __import__"]
)
def test_what_is_no_npy_file_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    assert refused(path) == NOT_NUMBERS


def test_a_header_that_lies_about_the_size_is_refused(path: Path) -> None:
    np.save(path, POINTS)
    path.write_bytes(path.read_bytes()[:-8])
    assert refused(path) == NOT_NUMBERS
    with path.open("wb") as file:
        write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (10**10, 68, 2)})
    assert refused(path) == NOT_NUMBERS


@settings(deadline=None)
@given(st.binary(max_size=150), st.sampled_from([b"", b"\x93NUMPY\x01\x00", b"PK\x03\x04", b"\x80\x04"]))
def test_random_bytes_are_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, start: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.npy"
    path.write_bytes(start + content)
    assert refused(path)


def test_a_vanished_file_is_named(path: Path) -> None:
    assert refused(path) == "No such file or directory"


def test_centres_of_pixels_stay_centres() -> None:
    """Halving: the centre between pixels 0 and 1 is the centre of the new pixel 0."""
    points = np.array([[0.5, 2.5], [-0.5, 99.5]], dtype=np.float32)
    assert scaled(points, Extent(100, 200), 50).tolist() == [[0.0, 0.25], [-0.5, 24.5]]


@given(st.integers(1, 4000), st.integers(1, 4000), st.integers(8, 1024))
def test_scaled_landmarks_at_an_edge_stay_at_the_edge(width: int, height: int, size: int) -> None:
    corners = np.array([[-0.5, -0.5], [width - 0.5, height - 0.5]])
    expected = [[-0.5, -0.5], [size - 0.5, size - 0.5]]
    np.testing.assert_allclose(scaled(corners, Extent(width, height), size), expected, atol=1e-9)
