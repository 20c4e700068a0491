"""The mild view, and the positive that is any frame."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from ssltoolbox_cycleface import MildOptions
from ssltoolbox_cycleface.positive import AnyFrame
from ssltoolbox_cycleface.view import MildView, jittered
from torchvision.transforms.v2 import functional

from ssltoolbox.api import Clip, Options


def images(count: int = 4, size: int = 48) -> torch.Tensor:
    coarse = torch.rand(count, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    return (255 * torch.nn.functional.interpolate(coarse, (size, size), mode="bilinear")).byte()


def test_any_frame_is_each_frame_alike() -> None:
    clip = Clip(0, 0, np.arange(5) / 25)
    rng = np.random.default_rng(0)
    counts = np.bincount([AnyFrame(Options()).pick(clip, 2, rng) for _ in range(2000)], minlength=5)
    assert counts.min() > 330
    assert len(counts) == 5
    single = Clip(0, 0, np.zeros(1))
    assert AnyFrame(Options()).pick(single, 0, rng) == 0


def test_a_view_that_changes_little() -> None:
    view, given = MildView(MildOptions(flip=0.0)), images()
    torch.manual_seed(0)
    augmented = view.augment(given, torch.empty(4, 68, 2), "a")
    assert augmented.shape == (4, 3, 64, 64)
    assert 0 < (augmented - view.plain(given)).abs().mean() < 0.2


def test_nothing_is_changed_by_a_view_of_no_strength() -> None:
    options = MildOptions(area=1.0, aspect=1.0, flip=0.0, jitter=0.0, size=48)
    view, given = MildView(options), images()
    torch.testing.assert_close(
        view.augment(given, torch.empty(4, 68, 2), "a"), view.plain(given), atol=1e-4, rtol=0
    )
    mirrored = MildView(options.model_copy(update={"flip": 1.0})).augment(given, torch.empty(4, 68, 2), "b")
    torch.testing.assert_close(mirrored, view.plain(given).flip(-1), atol=1e-4, rtol=0)


def test_crops_are_of_the_published_sizes() -> None:
    theta, changes = MildView(MildOptions()).random_parameters(500, "a", torch.device("cpu"))
    width, height = theta[:, 0, 0].abs(), theta[:, 1, 1]
    assert (width * height).min() > 0.94
    assert max(width.max(), height.max()) <= 1
    assert (width / height).max() < 1.06
    assert (theta[:, :, 2].abs() <= 1 - torch.stack([width, height], dim=1) + 1e-6).all()
    assert (theta[:, 0, 0] < 0).float().mean().item() == pytest.approx(0.5, abs=0.1)
    assert (changes == 0).all(dim=1).float().mean().item() == pytest.approx(0.2, abs=0.06)
    assert changes[:, :3].abs().max() <= 0.05
    assert changes[:, 3].abs().max() <= 0.01


def test_colours_change_as_torchvision_changes_them() -> None:
    pixels = images().float() / 255
    changes = torch.tensor([[0.04, -0.03, 0.05, 0.01]]).expand(4, 4)
    expected = functional.adjust_brightness(pixels, 1.04)
    expected = functional.adjust_contrast(expected, 0.97)
    expected = functional.adjust_saturation(expected, 1.05)
    expected = functional.adjust_hue(expected, 0.01)
    torch.testing.assert_close(jittered(pixels, changes), expected, atol=1e-4, rtol=0)
