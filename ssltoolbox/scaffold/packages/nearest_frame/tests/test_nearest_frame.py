"""The nearest frame's label counts, where there is one."""

import numpy as np
import pytest
from ssltoolbox_nearest_frame import NearestFrameOptions
from ssltoolbox_nearest_frame.task import NearestFrame

from ssltoolbox.api import Features, UserError


def split(values: list[list[float]], labels: list[int]) -> Features:
    ids = np.arange(len(labels))
    return Features(np.array(values, np.float32), ids, ids, ids / 25, {"expression": np.array(labels)})


TRAIN = split([[1, 0], [0, 1], [-1, 0]], [0, 1, -1])


def test_a_share_of_the_labelled_frames() -> None:
    test = split([[2, 0.1], [0.1, 3], [5, 0], [-1, 0]], [0, 1, 1, -1])
    result = NearestFrame(NearestFrameOptions()).evaluate({"train": TRAIN, "test": test})
    assert result == {"nearest_frame": {"accuracy": pytest.approx(2 / 3)}}


def test_without_labels() -> None:
    with pytest.raises(UserError, match="'mood'"):
        NearestFrame(NearestFrameOptions(label="mood")).evaluate({"train": TRAIN, "test": TRAIN})
