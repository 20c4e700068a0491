"""The standard view: shapes, ranges, and each augmentation against what it is meant to be."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torchvision.transforms.v2 import functional as tv

from ssltoolbox.views import pixels
from ssltoolbox.views.pixels import IMAGENET_MEAN, IMAGENET_STD
from ssltoolbox.views.plugin import StandardOptions
from ssltoolbox.views.standard import StandardView, _blur, _hue_rotation

STILL = {
    "crop": 1.0,
    "flip": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "hue": 0.0,
    "grey": 0.0,
    "blur": 0.0,
}


@pytest.fixture
def images() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(6, 3, 8, 8, generator=generator)
    return (F.interpolate(smooth, (32, 32), mode="bilinear") * 255).to(torch.uint8)


def view(**options: Any) -> StandardView:
    return StandardView(StandardOptions(**{"size": 32} | options))


def augment(images: torch.Tensor, **options: Any) -> torch.Tensor:
    torch.manual_seed(0)
    landmarks = torch.full((len(images), 68, 2), torch.nan)
    return view(**options).augment(images, landmarks, "a")


def normalised(images: torch.Tensor) -> torch.Tensor:
    return tv.normalize(images.float() / 255, IMAGENET_MEAN, IMAGENET_STD)


def test_without_augmentation_both_ways_agree(images: torch.Tensor) -> None:
    torch.testing.assert_close(augment(images, **STILL), normalised(images), atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(view().plain(images), normalised(images), atol=1e-5, rtol=1e-5)


def test_views_have_the_wanted_size(images: torch.Tensor) -> None:
    assert augment(images, size=24).shape == (6, 3, 24, 24)
    assert view(size=24).plain(images).shape == (6, 3, 24, 24)
    assert augment(images[:1], size=48).isfinite().all()


def test_how_many_images_are_made_at_once_changes_nothing(
    images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = augment(images, blur=0.5)
    monkeypatch.setattr(pixels, "PIXELS_AT_ONCE", 4 * 32**2)
    torch.testing.assert_close(augment(images, blur=0.5), whole, atol=1e-6, rtol=0)


def test_autocast_makes_no_image_coarser(images: torch.Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        reduced = augment(images)
    assert torch.equal(reduced, augment(images))


def test_a_flip_mirrors_the_image(images: torch.Tensor) -> None:
    torch.testing.assert_close(
        augment(images, **STILL | {"flip": 1.0}), normalised(images.flip(-1)), atol=1e-5, rtol=1e-5
    )


def test_a_grey_view_equals_torchvision(images: torch.Tensor) -> None:
    grey = augment(images, **STILL | {"grey": 1.0})
    expected = tv.normalize(tv.rgb_to_grayscale(images.float() / 255, 3), IMAGENET_MEAN, IMAGENET_STD)
    torch.testing.assert_close(grey, expected, atol=2e-3, rtol=1e-3)


def test_brightness_scales_every_pixel_of_an_image_alike(images: torch.Tensor) -> None:
    bright = augment(images, **STILL | {"brightness": 0.4, "jitter": 1.0})
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    ratio = (bright * std + mean) / (images.float() / 255).clamp(min=1e-6)
    spread = ratio.flatten(1).quantile(0.9, dim=1) - ratio.flatten(1).quantile(0.1, dim=1)
    assert (spread < 1e-3).all()
    factor = ratio.flatten(1).median(dim=1).values
    assert ((factor > 0.6) & (factor < 1.4)).all()
    assert factor.std() > 0.05


def test_contrast_keeps_the_mean_luma(images: torch.Tensor) -> None:
    contrast = augment(images, **STILL | {"contrast": 0.4, "jitter": 1.0})
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    luma = tv.rgb_to_grayscale(contrast * std + mean).mean(dim=(1, 2, 3))
    expected = tv.rgb_to_grayscale(images.float() / 255).mean(dim=(1, 2, 3))
    torch.testing.assert_close(luma, expected, atol=1e-3, rtol=1e-3)


def test_hue_turns_about_grey() -> None:
    rotation = _hue_rotation(torch.tensor([0.7, 2 * torch.pi / 3]))
    torch.testing.assert_close(rotation @ torch.ones(3), torch.ones(2, 3))
    torch.testing.assert_close(rotation[0] @ rotation[0].T, torch.eye(3))
    torch.testing.assert_close(
        rotation[1] @ torch.tensor([1.0, 0, 0]), torch.tensor([0.0, 1, 0]), atol=1e-6, rtol=0
    )


def test_blur_is_torchvisions(images: torch.Tensor) -> None:
    side = torch.exp(torch.tensor(-0.5 / 0.8**2))
    taps = torch.tensor([[side, 1, side]] * 6) / (1 + 2 * side)
    pixels = images.float() / 255
    torch.testing.assert_close(
        _blur(pixels, taps), tv.gaussian_blur(pixels, [3, 3], [0.8, 0.8]), atol=1e-5, rtol=0
    )


def test_crops_stay_inside(images: torch.Tensor) -> None:
    """A constant frame stays constant: nothing from outside comes in."""
    constant = torch.full((64, 3, 32, 32), 200, dtype=torch.uint8)
    cropped = augment(constant, **STILL | {"crop": 0.3})
    torch.testing.assert_close(cropped, normalised(constant), atol=1e-5, rtol=1e-5)


def test_images_are_augmented_each_in_its_own_way(images: torch.Tensor) -> None:
    same = images[:1].expand(6, -1, -1, -1)
    augmented = augment(same)
    assert len({tuple(image.flatten()[:8].tolist()) for image in augmented}) == 6


def test_the_generator_alone_decides(images: torch.Tensor) -> None:
    assert torch.equal(augment(images), augment(images))
