"""The paper's view: each augmentation by itself against torchvision's, what is covered, and how often."""

import colorsys
from typing import Any, Literal

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from helpers.golden import Golden
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from torchvision.transforms.v2 import functional as tv

from ssltoolbox.api import DataFacts, Problem, Setting
from ssltoolbox.views import pixels
from ssltoolbox.views.paper import PARTS, PaperView, part_ellipses
from ssltoolbox.views.pixels import IMAGENET_MEAN, IMAGENET_STD
from ssltoolbox.views.plugin import PaperOptions

STILL = {
    "mask": 0.0,
    "enlarge": 1.0,
    "flip": 0.0,
    "jitter_a": 0.0,
    "jitter_b": 0.0,
    "blur": 0.0,
    "grey": 0.0,
}
NO_COLOURS = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}
CENTRES = ((16.0, 25.0), (8.0, 8.0), (24.0, 8.0))
"""Where mouth, left eye and right eye are on the faces of `landmarks_for`, in 32 pixels."""


@pytest.fixture
def images() -> torch.Tensor:
    """Smooth, and nowhere near black or white, so that no change of colour is cut off."""
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(6, 3, 8, 8, generator=generator) * 0.4 + 0.25
    return (F.interpolate(smooth, (32, 32), mode="bilinear") * 255).to(torch.uint8)


def landmarks_for(count: int) -> torch.Tensor:
    points = torch.full((68, 2), 16.0)
    for part, centre in zip(PARTS, CENTRES, strict=True):
        number = part.stop - part.start
        angle = torch.arange(number) * (2 * torch.pi / number)
        points[part] = torch.tensor(centre) + 2 * torch.stack([angle.cos(), angle.sin()], dim=1)
    return points.repeat(count, 1, 1)


def stripes(count: int) -> torch.Tensor:
    """Images of black and white columns, whose mean is no pixel's colour."""
    return (torch.arange(32) % 2 * 255).to(torch.uint8).expand(count, 3, 32, 32)


def view(**options: Any) -> PaperView:
    return PaperView(PaperOptions(**{"size": 32} | options))


def augment(
    images: torch.Tensor, side: Literal["a", "b"] = "a", landmarks: torch.Tensor | None = None, **options: Any
) -> torch.Tensor:
    torch.manual_seed(0)
    points = landmarks_for(len(images)) if landmarks is None else landmarks
    return view(**options).augment(images, points, side)


def normalised(pixels: torch.Tensor) -> torch.Tensor:
    return tv.normalize(pixels, IMAGENET_MEAN, IMAGENET_STD)


def unit(images: torch.Tensor) -> torch.Tensor:
    return images.float() / 255


def restored(augmented: torch.Tensor) -> torch.Tensor:
    """Pixels in 0 to 1, before normalisation."""
    mean, std = (torch.tensor(values)[:, None, None] for values in (IMAGENET_MEAN, IMAGENET_STD))
    return augmented * std + mean


def jittered(images: torch.Tensor, **strength: float) -> torch.Tensor:
    return restored(augment(images, **STILL | NO_COLOURS | {"jitter_a": 1.0} | strength))


def close(actual: torch.Tensor, expected: torch.Tensor, atol: float = 2e-5) -> None:
    torch.testing.assert_close(actual, expected, atol=atol, rtol=0)


def test_without_augmentation_both_ways_normalise(images: torch.Tensor) -> None:
    close(augment(images, **STILL), normalised(unit(images)))
    close(view().plain(images), normalised(unit(images)))


@pytest.mark.parametrize("size", [16, 24, 48])
def test_resizing_equals_torchvision(images: torch.Tensor, size: int) -> None:
    """Bytes equal up to the last digit: torchvision rounds in one of two ways, by the processor."""
    as_bytes = tv.resize(images, [size, size], antialias=True)
    close(restored(augment(images, **STILL, size=size)), unit(as_bytes), atol=1.1 / 255)
    as_floats = tv.resize(unit(images), [size, size], antialias=True)
    close(view(size=size).plain(images), normalised(as_floats))
    assert (unit(as_bytes) - as_floats).abs().max() < 1.1 / 255


def test_flipping_mirrors_the_image(images: torch.Tensor) -> None:
    close(augment(images, **STILL | {"flip": 1.0}), normalised(unit(images.flip(-1))))


def test_grey_equals_torchvision(images: torch.Tensor) -> None:
    grey = augment(images, **STILL | {"grey": 1.0})
    close(grey, normalised(tv.rgb_to_grayscale(unit(images), 3)), atol=2e-3)


@pytest.mark.parametrize("kernel", [3, 5])
def test_blur_equals_torchvision(images: torch.Tensor, kernel: int) -> None:
    options = {"blur": 1.0, "blur_kernel": kernel, "blur_sigma": (0.8, 0.8)}
    blurred = tv.gaussian_blur(unit(images), [kernel, kernel], [0.8, 0.8])
    close(augment(images, **STILL | options), normalised(blurred))


def test_brightness_is_multiplied_within_its_range(images: torch.Tensor) -> None:
    changed = jittered(images, brightness=0.4)
    factors = changed.mean(dim=(1, 2, 3)) / unit(images).mean(dim=(1, 2, 3))
    for image, result, factor in zip(unit(images), changed, factors.tolist(), strict=True):
        close(result, tv.adjust_brightness(image, factor))
    assert factors.min() > 0.6
    assert factors.max() < 1.4
    assert factors.std() > 0.05


def test_contrast_is_multiplied_within_its_range(images: torch.Tensor) -> None:
    factors = []
    for image, result in zip(unit(images), jittered(images, contrast=0.4), strict=True):
        before, after = (tv.rgb_to_grayscale(pixels).std() for pixels in (image, result))
        factors.append((after / before).item())
        close(result, tv.adjust_contrast(image, factors[-1]), atol=2e-4)
    assert np.std(factors) > 0.1


def test_saturation_is_multiplied_within_its_range(images: torch.Tensor) -> None:
    factors = []
    for image, result in zip(unit(images), jittered(images, saturation=0.4), strict=True):
        luma = tv.rgb_to_grayscale(image)
        factors.append(((result - luma).norm() / (image - luma).norm()).item())
        close(result, tv.adjust_saturation(image, factors[-1]), atol=2e-4)
    assert np.std(factors) > 0.1


def test_hue_is_turned_within_its_range(images: torch.Tensor) -> None:
    turns = []
    for image, result in zip(unit(images), jittered(images, hue=0.2), strict=True):
        before, after = (colorsys.rgb_to_hsv(*pixels[:, 3, 3].tolist())[0] for pixels in (image, result))
        turns.append((after - before + 0.5) % 1 - 0.5)
        close(result, tv.adjust_hue(image, turns[-1]), atol=1e-4)
    assert max(map(abs, turns)) <= 0.2
    assert np.std(turns) > 0.05


def test_crops_lie_anywhere_and_are_not_resampled() -> None:
    """Red says where a pixel was from the left, green from the top; 36 pixels leave 5×5 places."""
    place = torch.arange(36, dtype=torch.uint8)
    frame = torch.stack([place.expand(36, 36), place[:, None].expand(36, 36), torch.zeros(36, 36)])
    frames = frame.to(torch.uint8).expand(1500, 3, 36, 36)
    pixels = restored(augment(frames, **STILL | {"enlarge": 36 / 32})) * 255
    left, top = pixels[:, 0, 0, 0].round(), pixels[:, 1, 0, 0].round()
    grid = torch.arange(32.0)
    close(pixels[:, 0], (left[:, None] + grid)[:, None].expand(-1, 32, -1), atol=1e-3)
    close(pixels[:, 1], (top[:, None] + grid)[:, :, None].expand(-1, -1, 32), atol=1e-3)
    counts = torch.bincount((5 * top + left).long(), minlength=25)
    assert len(counts) == 25
    assert counts.min() > 30
    assert counts.max() < 95


def test_the_paper_s_view_enlarges_to_128_and_crops_112_pixels() -> None:
    """224-pixel frames: 128, then 112."""
    options = PaperOptions()
    assert (options.size, round(options.size * options.enlarge)) == (112, 128)
    assert options.mask_margin * 224 == pytest.approx(10)
    frames = torch.zeros(1, 3, 224, 224, dtype=torch.uint8)
    assert PaperView(options).augment(frames, torch.full((1, 68, 2), torch.nan), "b").shape == (
        1,
        3,
        112,
        112,
    )


def covered_parts(pixels: torch.Tensor) -> torch.Tensor:
    """[B, 3] bool: whether mouth, left eye and right eye of striped images are of one colour."""
    around = [pixels[:, 0, int(y), int(x) - 1 : int(x) + 2] for x, y in CENTRES]
    return torch.stack([values.std(dim=1) < 1e-4 for values in around], dim=1)


@pytest.mark.parametrize(("side", "mask"), [("a", 0.8), ("b", 0.8), ("a", 1.0), ("b", 0.3)])
def test_one_part_is_covered_a_third_each(side: str, mask: float) -> None:
    covered = covered_parts(augment(stripes(3000), side, **STILL | {"mask": mask}))
    assert set(covered.sum(dim=1).tolist()) <= {0, 1}
    # Four standard deviations of 3000 draws are at most 0.037.
    close(covered.float().mean(dim=0), torch.full((3,), mask / 3), atol=0.037)
    assert covered.any(dim=1).float().mean().item() == pytest.approx(mask, abs=0.037)


def test_the_cover_has_the_images_mean_colour_and_the_rest_is_as_it_was(images: torch.Tensor) -> None:
    pixels = restored(augment(images, **STILL | {"mask": 1.0}))
    part = covered_parts(augment(stripes(len(images)), **STILL | {"mask": 1.0})).int().argmax(dim=1)
    ellipses = part_ellipses(landmarks_for(len(images)), part, 32, 10 / 224)
    mean = images.float().mean(dim=(2, 3), keepdim=True).round() / 255
    close(pixels, torch.where(ellipses[:, None], mean, unit(images)))
    assert 0.02 < ellipses.float().mean() < 0.06


def test_the_ellipse_fills_the_box_and_ten_pixels_more() -> None:
    landmarks = torch.zeros(1, 68, 2)
    landmarks[:, 48:68] = torch.tensor([120.0, 160.0])
    landmarks[:, [50, 52]] = torch.tensor([[100.0, 155.0], [140.0, 165.0]])
    (ellipse,) = part_ellipses(landmarks, torch.tensor([0]), 224, 10 / 224)
    rows, columns = ellipse.nonzero().unbind(dim=1)
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (90, 150, 145, 175)
    assert ellipse.sum().item() == pytest.approx(torch.pi * 30 * 15, rel=0.02)


@given(
    corners=st.lists(st.floats(-5, 37, width=32), min_size=4, max_size=4),
    part=st.integers(0, 2),
    margin=st.floats(0.01, 0.3),
)
@settings(max_examples=60, deadline=None)
def test_an_ellipse_follows_its_equation(corners: list[float], part: int, margin: float) -> None:
    landmarks = torch.full((1, 68, 2), torch.nan)
    landmarks[:, PARTS[part]] = torch.tensor(corners[:2])
    landmarks[:, PARTS[part].start] = torch.tensor(corners[2:])
    (ellipse,) = part_ellipses(landmarks, torch.tensor([part]), 32, margin)
    (x0, x1), (y0, y1) = sorted(corners[::2]), sorted(corners[1::2])
    x, y = np.meshgrid(np.arange(32), np.arange(32))
    radius_x, radius_y = (x1 - x0) / 2 + 32 * margin, (y1 - y0) / 2 + 32 * margin
    distance = ((x - (x0 + x1) / 2) / radius_x) ** 2 + ((y - (y0 + y1) / 2) / radius_y) ** 2
    clear = np.abs(distance - 1) > 1e-3
    assert np.array_equal(ellipse.numpy()[clear], (distance <= 1)[clear])


def test_the_margin_grows_with_the_frame() -> None:
    landmarks, part = landmarks_for(3), torch.arange(3)
    small = part_ellipses(landmarks, part, 32, 10 / 224)
    large = part_ellipses(4 * landmarks, part, 128, 10 / 224)
    ratio = large.sum(dim=(1, 2)) / small.sum(dim=(1, 2))
    assert ratio.tolist() == pytest.approx([16, 16, 16], rel=0.1)


def test_images_without_landmarks_are_left_alone(images: torch.Tensor) -> None:
    nowhere = torch.full((len(images), 68, 2), torch.nan)
    close(augment(images, landmarks=nowhere, **STILL | {"mask": 1.0}), normalised(unit(images)))


def test_a_part_that_lacks_a_landmark_is_not_covered() -> None:
    landmarks = landmarks_for(300)
    landmarks[:, 50] = torch.nan
    covered = covered_parts(augment(stripes(300), landmarks=landmarks, **STILL | {"mask": 1.0}))
    assert not covered[:, 0].any()
    assert covered[:, 1].any()
    assert covered[:, 2].any()


@pytest.mark.parametrize(("side", "probability"), [("a", 1.0), ("b", 0.8)])
def test_colours_change_always_on_side_a_and_mostly_on_side_b(
    images: torch.Tensor, side: str, probability: float
) -> None:
    options = {key: STILL[key] for key in ("mask", "enlarge", "flip", "blur", "grey")}
    many = images[:1].expand(2000, -1, -1, -1)
    changed = (augment(many, side, **options) - normalised(unit(many))).abs().amax(dim=(1, 2, 3)) > 1e-3
    # Four standard deviations of 2000 draws.
    assert changed.float().mean().item() == pytest.approx(probability, abs=0.036 if side == "b" else 0.002)


@pytest.mark.parametrize(("option", "probability"), [("flip", 0.5), ("blur", 0.5), ("grey", 0.2)])
def test_flip_blur_and_grey_happen_as_often_as_in_the_paper(
    images: torch.Tensor, option: str, probability: float
) -> None:
    options = {key: value for key, value in STILL.items() if key != option}
    many = images[:1].expand(2000, -1, -1, -1)
    # The default's smallest σ changes next to nothing.
    augmented = augment(many, **options, blur_sigma=(1.0, 2.0))
    changed = (augmented - normalised(unit(many))).abs().amax(dim=(1, 2, 3)) > 1e-4
    # Four standard deviations of 2000 draws.
    assert changed.float().mean().item() == pytest.approx(probability, abs=0.045)


def test_images_are_augmented_each_in_its_own_way(images: torch.Tensor) -> None:
    augmented = augment(images[:1].expand(6, -1, -1, -1))
    assert len({tuple(image.flatten()[:8].tolist()) for image in augmented}) == 6


def test_the_generator_alone_decides(images: torch.Tensor) -> None:
    assert torch.equal(augment(images), augment(images))
    assert not torch.equal(augment(images), view().augment(images, landmarks_for(6), "a"))


def test_how_many_images_are_made_at_once_changes_nothing(
    images: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = augment(images)
    monkeypatch.setattr(pixels, "PIXELS_AT_ONCE", 4 * 32**2)
    close(augment(images), whole, atol=1e-6)


@pytest.mark.parametrize("side", ["a", "b"])
def test_a_single_image_is_augmented(images: torch.Tensor, side: str) -> None:
    augmented = augment(images[:1], side)
    assert (augmented.shape, augmented.dtype) == ((1, 3, 32, 32), torch.float32)
    assert augmented.isfinite().all()


def test_frames_are_not_changed(images: torch.Tensor) -> None:
    before = images.clone()
    augment(images, mask=1.0)
    assert torch.equal(images, before)


def test_autocast_makes_no_image_coarser(images: torch.Tensor) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        reduced = augment(images, blur=1.0)
    assert torch.equal(reduced, augment(images, blur=1.0))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"blur_kernel": 4}, "the kernel must have a middle: write 3 or 5, not 4"),
        ({"blur_sigma": (2.0, 0.1)}, r"the smaller σ comes first: write \[0.1, 2\]"),
    ],
)
def test_options_that_cannot_be(
    options: dict[str, int] | dict[str, tuple[float, float]], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        PaperOptions(**options)


def test_a_mask_without_landmarks_is_warned_of(golden: Golden) -> None:
    def problems(landmarks: bool, **options: Any) -> list[Problem]:
        facts = DataFacts(8, 4, 80, 25.0, 128, 10, 10, landmarks=landmarks)
        return list(PaperOptions(**options).problems(Setting(facts, 8, 8, 0)))

    (problem,) = problems(landmarks=False)
    assert problem.warning
    assert problem.option == "mask"
    golden(problem.message)
    golden(problem.hint)
    assert problems(landmarks=True) == problems(landmarks=False, mask=0.0) == []
