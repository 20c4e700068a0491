from __future__ import annotations

import os
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from natsort import natsorted

from ssltoolbox.data.images.naming import frame_times, in_natural_order
from ssltoolbox.support.paths import printable

file_names = st.text(
    st.characters(exclude_characters="/\0", exclude_categories=["Cs"]) | st.sampled_from("0123456789."),
    min_size=1,
    max_size=12,
)
numbers = st.lists(st.integers(0, 10**9), min_size=1, max_size=20, unique=True)


@given(st.lists(file_names, max_size=12, unique=True), st.randoms())
def test_natural_order_is_the_same_however_a_folder_lists(names: list[str], shuffler: random.Random) -> None:
    shuffled = shuffler.sample(names, len(names))
    assert in_natural_order(shuffled) == in_natural_order(names) == natsorted(sorted(names))


@given(numbers)
def test_padded_frames_are_in_the_order_of_their_numbers(found: list[int]) -> None:
    names = [f"{number:010d}.jpg" for number in found]
    assert in_natural_order(names) == [f"{number:010d}.jpg" for number in sorted(found)]


def test_numbers_are_compared_as_numbers() -> None:
    assert in_natural_order(["1.10", "1.9", "10", "9"]) == ["1.9", "1.10", "9", "10"]
    assert in_natural_order(["face10.png", "face9.png"]) == ["face9.png", "face10.png"]


def test_names_that_are_not_utf8_have_an_order() -> None:
    names = [os.fsdecode(b"\xff2.jpg"), os.fsdecode(b"\xff10.jpg")]
    assert in_natural_order(reversed(names)) == names


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("with space.jpg", "with space.jpg"),
        ("Zoë.jpg", "Zoë.jpg"),
        ("two\nlines\t.jpg", r"two\nlines\t.jpg"),
        ("\x1b[31mred.jpg", r"\x1b[31mred.jpg"),
        (os.fsdecode(b"\xff.jpg"), r"\udcff.jpg"),
    ],
)
def test_printable_is_one_line_that_any_terminal_shows(name: str, shown: str) -> None:
    assert printable(name) == shown
    shown.encode()


@given(st.lists(file_names, min_size=1, max_size=12, unique=True), st.floats(0.01, 1000))
def test_times_rise_from_zero_for_any_names(names: list[str], fps: float) -> None:
    times = frame_times(in_natural_order(names), fps)
    assert times.dtype == np.float64
    assert times.shape == (len(names),)
    assert times[0] == 0
    assert np.all(np.diff(times) > 0)


@given(numbers, st.floats(0.01, 1000))
def test_times_follow_the_numbers(found: list[int], fps: float) -> None:
    found = sorted(found)
    times = frame_times([f"{number:07d}.jpg" for number in found], fps)
    step = min(np.diff(found), default=1)
    np.testing.assert_allclose(times, (np.array(found) - found[0]) / step / fps, rtol=1e-12)


@pytest.mark.parametrize(
    ("names", "times"),
    [
        (["0000001.jpg", "0000002.jpg", "0000003.jpg"], [0, 0.1, 0.2]),
        (["7.png", "8.png", "11.png"], [0, 0.1, 0.4]),
        (["0000025.jpg", "0000050.jpg", "0000100.jpg"], [0, 0.1, 0.3]),
        (["face_1.jpg", "face_2.jpg", "face_4.jpg"], [0, 0.1, 0.3]),
        (["5.jpg"], [0]),
    ],
)
def test_a_missing_number_leaves_a_gap(names: list[str], times: list[float]) -> None:
    np.testing.assert_allclose(frame_times(names, 10), times, rtol=1e-12)


@pytest.mark.parametrize(
    "names",
    [
        ["first.jpg", "second.jpg", "third.jpg"],
        ["a1.jpg", "b3.jpg", "c9.jpg"],
        ["1.jpg", "1.png", "5.jpg"],
        ["1.jpg", "3.jpg", "cover.jpg"],
        ["0.jpg", f"{10**40}.jpg", f"{10**40 + 1}.jpg"],
    ],
    ids=["words", "prefixes", "the same number twice", "one without", "closer than a float can tell"],
)
def test_names_that_do_not_number_a_sequence_are_evenly_spaced(names: list[str]) -> None:
    np.testing.assert_allclose(frame_times(names, 10), [0, 0.1, 0.2], rtol=1e-12)
