"""The accuracy counts test frames whose nearest training frame has the same label."""

import numpy as np
import pytest
from ssltoolbox_nearest_frame import NearestFrameOptions
from ssltoolbox_nearest_frame.task import NearestFrame

from ssltoolbox.api import Features, UserError


def split(values: list[list[float]], labels: list[int]) -> Features:
    ids = np.arange(len(labels))
    return Features(np.array(values, np.float32), ids, ids, ids / 25, {"expression": np.array(labels)})


TRAIN = split([[1, 0], [0, 1], [-1, 0]], [0, 1, -1])


def test_only_labelled_frames_count() -> None:
    test = split([[2, 0.1], [0.1, 3], [5, 0], [-1, 0]], [0, 1, 1, -1])
    result = NearestFrame(NearestFrameOptions()).evaluate({"train": TRAIN, "test": test})
    assert result == {"nearest_frame": {"accuracy": pytest.approx(2 / 3)}}


def test_a_label_that_no_frame_has() -> None:
    with pytest.raises(UserError, match="'mood'"):
        NearestFrame(NearestFrameOptions(label="mood")).evaluate({"train": TRAIN, "test": TRAIN})
