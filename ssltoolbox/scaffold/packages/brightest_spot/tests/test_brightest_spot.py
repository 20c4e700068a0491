"""The landmarks are on a circle around the brightest pixel."""

import numpy as np
import pytest
from ssltoolbox_brightest_spot import BrightestSpotOptions
from ssltoolbox_brightest_spot.detector import BrightestSpot


def test_the_circle_is_around_the_brightest_pixel() -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[12, 34] = 200
    points = BrightestSpot(BrightestSpotOptions(radius=4)).detect(image)
    assert points.mean(axis=0) == pytest.approx([34, 12], abs=1e-4)
    assert np.hypot(*(points - [34, 12]).T) == pytest.approx(np.full(68, 4), abs=1e-4)


def test_a_dark_image_has_no_face() -> None:
    assert BrightestSpot(BrightestSpotOptions(dark=20)).detect(np.full((9, 9, 3), 19, np.uint8)) is None
