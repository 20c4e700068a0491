"""Regions from landmarks, and shares of saliency in them."""

import numpy as np
import pytest

from ssltoolbox.engine.inspect.saliency.regions import mean_shares, region_masks


@pytest.fixture
def points() -> np.ndarray:
    """[68, 2] a simple face in an image of 64 pixels: eyes 20 pixels apart, so a margin of 2.4."""
    landmarks = np.full((68, 2), 32.0)
    landmarks[17:22] = np.stack([np.linspace(14, 28, 5), np.full(5, 12.0)], axis=1)
    landmarks[22:27] = np.stack([np.linspace(36, 50, 5), np.full(5, 12.0)], axis=1)
    eye = np.array([[-4, 0], [-2, -2], [2, -2], [4, 0], [2, 2], [-2, 2]], float)
    landmarks[36:42], landmarks[42:48] = np.add(eye, (22, 24)), np.add(eye, (42, 24))
    angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    landmarks[48:60] = np.stack([32 + 10 * np.cos(angle), 46 + 4 * np.sin(angle)], axis=1)
    return landmarks


def test_regions_hold_the_pixels_inside_their_landmarks(points: np.ndarray) -> None:
    masks = region_masks(points, 64, 64)
    assert {name: mask[24, 22] for name, mask in masks.items()} == {
        "eyes": 1,
        "brows": 0,
        "mouth": 0,
        "together": 1,
    }
    assert (masks["mouth"][46, 32], masks["brows"][12, 20], masks["eyes"][24, 42]) == (1, 1, 1)
    assert masks["together"][32, 32] == 0
    assert masks["eyes"][24, 32] == 0


def test_the_margin_is_a_share_of_the_distance_of_the_eyes(points: np.ndarray) -> None:
    brows = region_masks(points, 64, 64)["brows"]
    assert brows[12 + 1, 20] == 1
    assert brows[12 + 3, 20] == 0


@pytest.mark.parametrize("wanted", [32, 112])
def test_area_does_not_depend_on_the_size(points: np.ndarray, wanted: int) -> None:
    areas, others = (
        {name: mask.mean() for name, mask in region_masks(points, 64, size).items()} for size in (64, wanted)
    )
    assert areas == pytest.approx(others, abs=0.006)


def test_shares_of_saliency_are_means_over_faces(points: np.ndarray) -> None:
    masks = region_masks(points, 64, 64)
    uniform = np.full((64, 64), 1 / 64**2)
    mouth = masks["mouth"] / masks["mouth"].sum()
    shares = mean_shares(np.stack([uniform, mouth, uniform]), [masks, masks, None])
    assert shares.faces == 2
    area = {name: mask.mean() for name, mask in masks.items()}
    assert shares.area == pytest.approx(area)
    assert shares.saliency["eyes"] == pytest.approx(area["eyes"] / 2)
    assert 0.45 + area["mouth"] / 2 < shares.saliency["mouth"] <= 0.5 + area["mouth"] / 2
    assert shares.saliency["together"] >= max(shares.saliency[name] for name in ("eyes", "brows", "mouth"))


def test_saliency_that_is_the_same_everywhere_has_the_share_of_the_area(points: np.ndarray) -> None:
    shares = mean_shares(np.full((1, 64, 64), 1 / 64**2), [region_masks(points, 64, 64)])
    assert shares.saliency == pytest.approx(shares.area)


def test_a_face_without_landmarks_has_no_regions(points: np.ndarray) -> None:
    points[5] = np.nan
    assert region_masks(points, 64, 64) is None
    assert mean_shares(np.zeros((1, 64, 64)), [None]) is None
