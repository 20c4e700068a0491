"""Squares around faces, over time, and what is cut out by them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.data.extract.crops import REACH, cut_out, face_box, overlap, points_in, smoothed

squares = st.tuples(st.floats(-50, 50), st.floats(-50, 50), st.floats(1, 40)).map(np.array)


def test_a_face_box_spans_the_landmarks() -> None:
    points = np.linspace((10, 20), (30, 60), 68)
    np.testing.assert_allclose(face_box(points), [20, 40 - 0.08 * 40, 40])


@given(squares, squares)
def test_overlap_is_symmetric_and_1_for_equal_squares(one: np.ndarray, other: np.ndarray) -> None:
    shared = overlap(one, other)
    assert 0 <= shared <= 1 + 1e-9
    np.testing.assert_allclose(shared, overlap(other, one))
    np.testing.assert_allclose(overlap(one, one), 1)


@given(squares, st.integers(1, 30), st.floats(0.01, 2))
def test_a_still_face_gives_a_still_square(square: np.ndarray, count: int, step: float) -> None:
    times = np.arange(count) * step
    for time in times:
        np.testing.assert_allclose(smoothed(np.tile(square, (count, 1)), times, time), square, atol=1e-9)


def test_jumps_of_the_detector_are_smoothed_away() -> None:
    rng = np.random.default_rng(0)
    times = np.arange(100) / 25
    boxes = np.array([50.0, 50.0, 20.0]) + rng.normal(scale=2, size=(100, 3))
    smooth = np.stack([smoothed(boxes, times, time) for time in times])
    assert np.abs(np.diff(smooth[:, 0])).mean() < 0.1 * np.abs(np.diff(boxes[:, 0])).mean()


def test_boxes_far_in_time_have_no_weight() -> None:
    times = np.array([0.0, REACH + 0.01])
    boxes = np.array([[0.0, 0, 10], [100, 0, 10]])
    assert smoothed(boxes, times, 0.0).tolist() == [0, 0, 10]


def test_a_square_of_whole_pixels_is_cut_out_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 255, (40, 50, 3), dtype=np.uint8)
    square = np.array([19.5, 14.5, 20.0])
    np.testing.assert_array_equal(np.array(cut_out(image, square, 20)), image[5:25, 10:30])


def test_outside_of_the_image_is_black() -> None:
    image = np.full((20, 20, 3), 200, dtype=np.uint8)
    crop = np.array(cut_out(image, np.array([-0.5, 9.5, 20.0]), 20))
    assert (crop[:, :10] == 0).all()
    assert (crop[:, 10:] == 200).all()


@given(st.floats(10, 50), st.floats(10, 50), st.floats(8, 40), st.sampled_from([16, 64, 224]))
def test_landmarks_move_with_the_pixels(x: float, y: float, side: float, size: int) -> None:
    """Brightness that grows evenly to the right and down: what a pixel of the crop shows is where it was."""
    rows, columns = np.mgrid[:64, :64]
    image = np.stack([columns * 3, rows * 3, 0 * rows], axis=-1).astype(np.uint8)
    square = np.array([x, y, side])
    crop = np.array(cut_out(image, square, size)).astype(float)
    point = np.full((68, 2), [round(x), round(y)], dtype=np.float32)
    column, row = points_in(point, square, size)[0]
    if 2 <= column < size - 3 and 2 <= row < size - 3:
        found = crop[round(float(row)), round(float(column)), :2] / 3
        tolerance = 1 + side / size
        assert np.abs(found - point[0]).max() <= tolerance
