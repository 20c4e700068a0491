from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from helpers.golden import Golden

from ssltoolbox.api import Features, UserError
from ssltoolbox.tasks.samples import labelled, usable


def features(frames: int = 4, **labels: np.ndarray) -> Features:
    numbers = np.arange(frames)
    values = np.arange(frames * 2, dtype=np.float32).reshape(frames, 2)
    return Features(values, numbers, numbers, numbers.astype(float), labels)


def splits(found: Features) -> dict:
    return {"train": found, "val": found, "test": found}


def message(call: Callable[..., object], *args: object) -> str:
    with pytest.raises(UserError) as caught:
        call(*args)
    return str(caught.value)


def test_frames_without_a_label_are_left_out() -> None:
    found = features(mood=np.array([2, -1, 0, 5]), joy=np.array([np.nan, 0.5, -1.0, np.nan], np.float32))
    mood, joy = (labelled(splits(found), name, "task")["val"] for name in ("mood", "joy"))
    assert mood.targets.tolist() == [2, 0, 5]
    assert mood.values.tolist() == [[0, 1], [4, 5], [6, 7]]
    assert joy.targets.tolist() == [0.5, -1.0]
    assert joy.values.tolist() == [[2, 3], [4, 5]]


def test_a_missing_split_is_an_error(golden: Golden) -> None:
    found = {"train": features(), "test": features()}
    golden(message(usable, found, "val", "mood"))


def test_an_empty_split_is_an_error(golden: Golden) -> None:
    empty = replace(features(0), values=np.zeros((0, 0), np.float32))
    golden(message(usable, {"val": empty}, "val", "mood"))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_features_that_are_no_numbers(bad: float, golden: Golden) -> None:
    found = features()
    found.values[1, 0] = found.values[3] = bad
    golden(message(usable, {"test": found}, "test", "mood"))


def test_a_label_that_the_data_lacks(golden: Golden) -> None:
    found = features(joy=np.zeros(4), anger=np.zeros(4))
    golden(message(labelled, splits(found), "mood", "task"))
    golden(message(labelled, splits(features()), "mood", "task"))


@pytest.mark.parametrize("nothing", [np.full(4, -1), np.full(4, np.nan, np.float32)])
def test_a_split_without_a_labelled_frame(nothing: np.ndarray, golden: Golden) -> None:
    found = {**splits(features(mood=np.zeros(4))), "test": features(mood=nothing)}
    golden(message(labelled, found, "mood", "task"))
