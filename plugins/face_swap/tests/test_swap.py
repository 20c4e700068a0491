"""A swap of given pairs: what comes from whom, colours, edges, and odd landmarks."""

from collections.abc import Callable
from typing import get_args

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from kornia.filters import gaussian_blur2d
from ssltoolbox_face_swap import Region
from ssltoolbox_face_swap.blur import gaussian_blur, kernel_radius
from ssltoolbox_face_swap.colours import ColourMatch
from ssltoolbox_face_swap.geometry import is_usable, move, similarity
from ssltoolbox_face_swap.swap import soften, swap_faces

from ssltoolbox.api import Batch


@pytest.fixture(scope="session")
def pairs(faces: Callable[..., Batch]) -> tuple[torch.Tensor, ...]:
    """Frames, points, heads and their points, of four pairs of people."""
    batch = faces(8, hard=0)
    frames, points = batch.frames[:, 0], batch.landmarks[:, 0]
    return frames[:4], points[:4], frames[4:], points[4:]


def swap(
    *pair: torch.Tensor, blur: float = 0.6, feather: float = 0.0, region: Region = "features"
) -> tuple[torch.Tensor, torch.Tensor]:
    return swap_faces(*pair, blur=blur, feather=feather, region=region)


def match_colours(images: torch.Tensor, targets: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    match = ColourMatch.of(kernel_radius(kernel), *images.shape[-2:])
    return match(*(F.pad(pixels, [match.margin] * 4, mode="reflect") for pixels in (images, targets)))


def test_a_face_on_its_own_head_is_unchanged(pairs: tuple[torch.Tensor, ...]) -> None:
    frames, points, _, _ = pairs
    swapped, moved = swap(frames, points, frames, points)
    assert (swapped.int() - frames.int()).abs().max() <= 1
    torch.testing.assert_close(moved, points, rtol=0, atol=1e-3)


def test_beyond_the_region_all_is_the_head(
    pairs: tuple[torch.Tensor, ...], expressive_region: Callable[..., torch.Tensor]
) -> None:
    _, points, heads, head_points = pairs
    swapped, _ = swap(*pairs)
    region = expressive_region(head_points, 48)
    region |= expressive_region(move(points, similarity(points, head_points)), 48)
    outside = ~region[:, None].expand_as(heads)
    assert torch.equal(swapped[outside], heads[outside])
    assert (swapped != heads)[~outside].float().mean() > 0.9


def test_the_region_of_the_whole_face_has_the_cheeks_too(pairs: tuple[torch.Tensor, ...]) -> None:
    """Half-way between the outer corner of an eye and the corner of the mouth."""
    frames, points, _, _ = pairs
    frames = torch.randint(50, 200, frames.shape, dtype=torch.uint8)
    heads = torch.full_like(frames, 30)
    cheeks = points[:, [36, 45]].add(points[:, [48, 54]]).div(2).round().long()
    features, face = (
        (swap(frames, points, heads, points, blur=4, region=region)[0] != heads).any(dim=1)
        for region in get_args(Region)
    )
    for picture, both in enumerate(cheeks.tolist()):
        for x, y in both:
            assert face[picture, y, x]
            assert not features[picture, y, x]
    assert not (features & ~face).any()


def test_wider_blurs_leave_the_face_its_own_shading(pairs: tuple[torch.Tensor, ...]) -> None:
    """A dark mouth on a head whose mouth is as light as its skin."""
    frames, points, _, _ = pairs
    heads, frames = torch.full_like(frames, 150), torch.full_like(frames, 150)
    mouths = points[:, 48:60]
    rows = torch.arange(48)
    low, high = (mouths.amin(1), mouths.amax(1))
    inside = [(rows >= low[:, None, axis]) & (rows <= high[:, None, axis]) for axis in (0, 1)]
    mouth = inside[1][:, None, :, None] & inside[0][:, None, None]
    frames[mouth.expand_as(frames)] = 50
    contrasts = []
    for blur in (0.6, 2.0, 4.0):
        swapped, _ = swap(frames, points, heads, points, blur=blur)
        centres = mouths.mean(1).round().long()
        contrasts.append((150 - swapped[range(4), 0, centres[:, 1], centres[:, 0]].float()).mean())
    assert contrasts[0] < 70 < contrasts[1] < contrasts[2]


def test_landmarks_are_the_heads_jaw_and_the_frames_expression(pairs: tuple[torch.Tensor, ...]) -> None:
    _, points, _, head_points = pairs
    _, landmarks = swap(*pairs)
    assert torch.equal(landmarks[:, :17], head_points[:, :17])
    moved = move(points, similarity(points, head_points))
    assert torch.equal(landmarks[:, 17:], moved[:, 17:])


def test_features_lie_at_the_new_landmarks(pairs: tuple[torch.Tensor, ...]) -> None:
    """A white square where the frame's mouth was is a white square at the landmarks of the new mouth."""
    frames, points, _, head_points = pairs
    frames, heads = torch.full_like(frames, 100), torch.full_like(frames, 100)
    for frame, (x, y) in zip(frames, points[:, 48:60].mean(1).round().long().tolist(), strict=True):
        frame[:, y - 1 : y + 2, x - 1 : x + 2] = 200
    swapped, landmarks = swap(frames, points, heads, head_points)
    brightest = swapped[:, 0].flatten(1).argmax(1)
    found = torch.stack([brightest % 48, brightest // 48], dim=1)
    assert ((found - landmarks[:, 48:60].mean(1)).abs() <= 2).all()


def test_where_the_frame_does_not_reach_the_head_stays(pairs: tuple[torch.Tensor, ...]) -> None:
    frames, points, heads, head_points = pairs
    swapped, _ = swap(frames, points + torch.tensor([30.0, 0]), heads, head_points)
    edge_on_head = head_points[:, [45, 16]].amin(1)[:, 0].ceil().long()
    for picture, head, column in zip(swapped, heads, edge_on_head.tolist(), strict=True):
        assert torch.equal(picture[..., column:], head[..., column:])


def test_pairs_do_not_depend_on_their_neighbours(pairs: tuple[torch.Tensor, ...]) -> None:
    """Eyes differ in their distance and so blurs in their size; many pairs are made in several groups."""
    many = [part.repeat(30, *[1] * (part.ndim - 1)) for part in pairs]
    together, _ = swap(*many)
    for i in range(4):
        alone, _ = swap(*(part[i : i + 1] for part in pairs))
        assert (together[i::4].int() - alone.int()).abs().max() <= 1


def test_half_precision_of_a_step_does_not_touch_swaps(pairs: tuple[torch.Tensor, ...]) -> None:
    expected = swap(*pairs, feather=0.2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        actual = swap(*pairs, feather=0.2)
    assert all(torch.equal(a, b) for a, b in zip(expected, actual, strict=True))


@given(
    seed=st.integers(0, 10_000),
    spread=st.floats(1, 40),
    squeeze=st.floats(0, 1),
    feather=st.sampled_from([0.0, 0.5]),
    region=st.sampled_from(get_args(Region)),
)
@settings(max_examples=40, deadline=None)
def test_any_usable_landmarks_give_a_picture(
    seed: int, spread: float, squeeze: float, feather: float, region: Region
) -> None:
    """Points at random, in the extreme all on a line, give finite landmarks and change nothing of the input."""
    torch.manual_seed(seed)
    images = torch.randint(0, 256, (2, 2, 3, 24, 24), dtype=torch.uint8)
    points = torch.randn(2, 2, 68, 2) * spread * torch.tensor([1, squeeze]) + 12
    before = images.clone(), points.clone()
    usable = is_usable(points, 24).all(0)
    if not usable.any():
        return
    chosen = [part[:, usable] for part in (images, points)]
    swapped, landmarks = swap(
        chosen[0][0], chosen[1][0], chosen[0][1], chosen[1][1], feather=feather, region=region
    )
    assert swapped.dtype == torch.uint8
    assert landmarks.isfinite().all()
    assert torch.equal(images, before[0])
    assert torch.equal(points, before[1])


def test_colours_of_plain_images_become_the_targets() -> None:
    images, targets = torch.full((1, 3, 9, 9), 50.0), torch.full((1, 3, 9, 9), 120.0)
    matched = match_colours(images, targets, torch.tensor([5.0]))
    torch.testing.assert_close(matched, targets)


@pytest.mark.parametrize("size", [40, 41, 42, 43])
def test_a_ratio_between_the_pixels_where_it_is_found_is_nearly_that_of_the_whole_blurs(size: int) -> None:
    """A kernel of 23 pixels has a σ of 3.8."""
    torch.manual_seed(0)
    kernel = torch.tensor([23.0])
    images, targets = gaussian_blur(torch.rand(2, 3, size, size) * 200 + 20, torch.tensor([5.0, 5.0])).split(
        1
    )
    own, wanted = gaussian_blur(images, kernel), gaussian_blur(targets, kernel)
    difference = (match_colours(images, targets, kernel) - images * wanted / own).abs()
    assert difference.max() < 1.5


def test_what_is_too_dark_to_divide_by_stays_dark() -> None:
    images, targets = torch.full((1, 3, 9, 9), 1.0), torch.full((1, 3, 9, 9), 200.0)
    matched = match_colours(images, targets, torch.tensor([5.0]))
    torch.testing.assert_close(matched, torch.full_like(images, 200 / 129))


def test_colours_are_clipped() -> None:
    images = torch.full((1, 3, 9, 9), 10.0)
    images[..., 4, 4] = 255
    assert match_colours(images, torch.full_like(images, 200), torch.tensor([9.0])).max() == 255


@pytest.mark.parametrize(("kernel", "odd"), [(5.0, 5), (5.99, 5), (6.0, 7), (6.8, 7), (11.2, 11)])
def test_blurs_are_kornias_with_the_kernel_made_odd(kernel: torch.Tensor, odd: int) -> None:
    torch.manual_seed(0)
    images = torch.rand(2, 3, 16, 16)
    sigma = 0.3 * ((odd - 1) / 2 - 1) + 0.8
    expected = gaussian_blur2d(images, odd, (sigma, sigma))
    # A neighbour with a wider kernel must not show.
    actual = gaussian_blur(torch.cat([images, images]), torch.tensor([kernel, kernel, 13, 13]))[:2]
    torch.testing.assert_close(actual, expected)


def test_blurs_narrower_than_two_pixels_change_nothing_and_wide_ones_end_at_the_image() -> None:
    torch.manual_seed(0)
    images = torch.rand(1, 1, 8, 8)
    torch.testing.assert_close(gaussian_blur(images, torch.tensor([1.9])), images)
    wide, wider = (gaussian_blur(images, torch.tensor([kernel])) for kernel in (15.0, 1e6))
    assert torch.equal(wide, wider)


def test_soft_edges_lie_outside_and_end() -> None:
    mask = torch.zeros(1, 1, 41, 41)
    mask[..., 15:26, 15:26] = 1
    soft = soften(mask, torch.tensor([5.0]))
    torch.testing.assert_close(soft[..., 15:26, 15:26], torch.ones(1, 1, 11, 11))
    profile = soft[0, 0, 20, 26:]
    assert (profile.diff() <= 1e-6).all()
    assert 0 < profile[3] < 0.1
    assert not profile[4:].any()


def test_a_feathered_swap_changes_more_than_a_hard_one_and_less_than_everything(
    pairs: tuple[torch.Tensor, ...],
) -> None:
    heads = pairs[2]
    changed = [(swap(*pairs, feather=feather)[0] != heads).float().mean() for feather in (0.0, 0.3, 0.6)]
    assert changed[0] < changed[1] < changed[2] < 0.9
