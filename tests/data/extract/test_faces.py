"""Faces are searched in a reduced frame, and their landmarks lie in the full one."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.spots import SpotOptions, Spots
from helpers.videos import scene

from ssltoolbox.api import UserError
from ssltoolbox.data.extract.faces import DetectorFailed, find_faces, reduced


class Seen(Spots):
    """A detector that records the sizes of the images it gets."""

    def __init__(self) -> None:
        super().__init__(SpotOptions())
        self.shapes: list[tuple[int, ...]] = []

    def faces(self, image: np.ndarray) -> list[np.ndarray]:
        self.shapes.append(image.shape)
        return super().faces(image)


def large(*faces: tuple[int, int, int]) -> np.ndarray:
    """A scene of 640 × 480 pixels: each pixel of `scene` four times as wide."""
    return scene(*faces).repeat(4, axis=0).repeat(4, axis=1)


def test_the_detector_sees_the_shorter_side() -> None:
    detector = Seen()
    for image in (large((20, 30, 40)), np.rot90(large((20, 30, 40)))):
        find_faces(detector, image, 120)
    assert detector.shapes == [(120, 160, 3), (160, 120, 3)]


@pytest.mark.parametrize("detect_size", [0, 480, 1000])
def test_a_frame_that_is_small_enough_is_not_resized(detect_size: int) -> None:
    image = large((20, 30, 40))
    assert reduced(image, detect_size) is image


def test_landmarks_lie_in_the_full_frame() -> None:
    image = large((20, 30, 40), (100, 60, 24))
    full, small = (find_faces(Spots(SpotOptions()), image, size) for size in (0, 120))
    assert len(full) == len(small) == 2
    for one, other in zip(full, small, strict=True):
        assert np.abs(one - other).max() <= 4
        # The centre is not moved to one side: pixels are counted by their centres.
        assert one.mean(axis=0) == pytest.approx(other.mean(axis=0), abs=0.51)
        assert other.dtype == np.float32


def test_a_detector_that_fails_is_named_as_the_cause() -> None:
    class Broken:
        def detect(self, image: np.ndarray) -> np.ndarray | None:
            raise ValueError("odd picture")

    with pytest.raises(DetectorFailed, match=r"ValueError.*odd picture"):
        find_faces(Broken(), large(), 0)


def test_landmarks_of_another_shape_are_refused() -> None:
    class Five:
        def detect(self, image: np.ndarray) -> np.ndarray | None:
            return np.zeros((5, 2), np.float32)

    with pytest.raises(UserError, match="68"):
        find_faces(Five(), large(), 120)
