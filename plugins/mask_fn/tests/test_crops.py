"""Crops show what they say, to the pixel."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from kornia.color import rgb_to_grayscale
from ssltoolbox_mask_fn.crops import EYE_MARGIN, eye_and_mouth_crops, pooled_crops
from torch import Tensor

SIZE = 100


def coordinates() -> Tensor:
    """[1, 3, 100, 100]: red is x, green is y, blue is full."""
    y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
    return torch.stack([x, y, torch.full_like(x, 255)])[None].to(torch.uint8)


def landmarks(eyes: tuple[int, int, int, int], mouth: tuple[int, int, int, int]) -> Tensor:
    """[1, 68, 2] with these boxes: left, top, right, bottom."""
    points = torch.zeros(1, 68, 2)
    for start, end, (left, top, right, bottom) in ((36, 48, eyes), (48, 68, mouth)):
        points[:, start:end] = torch.tensor([left, top]).float()
        points[:, end - 1] = torch.tensor([right, bottom]).float()
    return points


def expected(centre: float, half: float, size: int) -> Tensor:
    """The middles of `size` equal pieces of an interval."""
    return centre + half * ((torch.arange(size) * 2 + 1) / size - 1)


def test_a_wide_mouth_is_padded_above_and_below() -> None:
    crop = eye_and_mouth_crops(coordinates(), landmarks((20, 20, 40, 30), (10, 60, 50, 80)), 8)[0, 1] * 255
    filled = crop[2] > 0
    assert filled.all(dim=1).tolist() == [False, False, True, True, True, True, False, False]
    assert not crop[:, ~filled].any()
    torch.testing.assert_close(crop[0, 2:6], expected(30, 20, 8).expand(4, 8))
    torch.testing.assert_close(crop[1, 2:6], expected(70, 20, 8)[2:6, None].expand(4, 8))


def test_an_open_mouth_is_padded_at_its_sides() -> None:
    crop = eye_and_mouth_crops(coordinates(), landmarks((20, 20, 40, 30), (40, 50, 50, 90)), 16)[0, 1] * 255
    assert (crop[2] > 0).all(dim=0).tolist() == [False] * 6 + [True] * 4 + [False] * 6
    torch.testing.assert_close(crop[0, :, 6:10], expected(45, 20, 16)[6:10].expand(16, 4))


def test_the_eyes_get_a_margin_that_grows_with_the_face() -> None:
    """The box of 84 × 12 pixels becomes 10 pixels higher above and below, as in the paper."""
    eyes, _ = eye_and_mouth_crops(coordinates(), landmarks((8, 40, 92, 52), (10, 60, 50, 80)), 84)[0] * 255
    rows = torch.nonzero(eyes[2].any(dim=1))[:, 0]
    margin = EYE_MARGIN * 84
    assert round(margin) == 10
    assert len(rows) == 2 * round(6 + margin)
    torch.testing.assert_close(eyes[1, rows, 0], expected(46, 42, 84)[rows])


def test_what_lies_outside_of_the_picture_is_black() -> None:
    crop = eye_and_mouth_crops(coordinates(), landmarks((20, 20, 40, 30), (80, 60, 120, 100)), 8)[0, 1]
    assert (crop[2, :4, :4] == 1).all()
    assert not crop[:, :, 4:].any()


def test_each_image_gets_its_own_boxes() -> None:
    images = coordinates().expand(2, -1, -1, -1)
    first = landmarks((20, 20, 40, 30), (10, 60, 50, 80))
    second = landmarks((30, 10, 70, 30), (40, 50, 50, 90))
    both = eye_and_mouth_crops(images, torch.cat([first, second]), 12)
    assert both.shape == (2, 2, 3, 12, 12)
    torch.testing.assert_close(both[:1], eye_and_mouth_crops(images[:1], first, 12))
    torch.testing.assert_close(both[1:], eye_and_mouth_crops(images[:1], second, 12))


@pytest.mark.parametrize("pool", [1, 2, 4])
@pytest.mark.parametrize("spread", [0.0, 8.0, 60.0])
def test_pooled_crops_are_averages_of_the_grey_ones(pool: int, spread: float) -> None:
    """Also of boxes without any size, and of those that reach out of the picture."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (6, 3, 40, 40), generator=generator, dtype=torch.uint8)
    points = 20 + spread * torch.randn(6, 68, 2, generator=generator)
    crops = eye_and_mouth_crops(images, points, 64).flatten(0, 1)
    grey = rgb_to_grayscale(images.float())[:, 0]
    pooled = pooled_crops(grey, points, 64, pool).flatten(0, 1)
    assert pooled.amax() > 0.1
    torch.testing.assert_close(
        pooled[:, None], F.avg_pool2d(rgb_to_grayscale(crops), pool), rtol=0, atol=1e-4
    )
