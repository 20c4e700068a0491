"""Hulls against half-planes, transforms against what they were made from."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from ssltoolbox_face_swap.geometry import (
    ALIGNED,
    eye_distance,
    fill_spans,
    hull_spans,
    is_usable,
    move,
    similarity,
)

from ssltoolbox.api import Batch

SIZE = 12
coordinate = st.integers(-4, SIZE + 3)
polygons = st.lists(st.tuples(coordinate, coordinate), min_size=1, max_size=8)


def fill_hull(points: torch.Tensor, size: int) -> torch.Tensor:
    """[B, n, 2] points → [B, size, size] bool: the pixels that their convex hull touches."""
    return fill_spans(hull_spans(points[:, None], size, size), size) > 0


def outside_by(points: list[tuple[float, float]], size: int) -> np.ndarray:
    """[size, size]: how far pixels' centres lie outside the hull of the points' pixels; negative inside."""
    corners = np.array([(x + dx, y + dy) for x, y in points for dx in (-0.5, 0.5) for dy in (-0.5, 0.5)])
    start, along = corners[:, None], corners[None] - corners[:, None]
    normal = np.stack([along[..., 1], -along[..., 0]], axis=-1)
    length = np.linalg.norm(normal, axis=-1)
    height = ((corners[None, None] - start[:, :, None]) * normal[:, :, None]).sum(-1)
    edge = (height <= 0).all(-1) & (length > 0)
    y, x = np.mgrid[:size, :size]
    pixels = np.stack([x, y], axis=-1)[..., None, None, :]
    return (((pixels - start) * normal).sum(-1)[..., edge] / length[edge]).max(-1)


@given(points=polygons)
@settings(deadline=None)
def test_a_hull_covers_the_pixels_that_it_touches(points: list[tuple[float, float]]) -> None:
    filled = fill_hull(torch.tensor([points], dtype=torch.float32), SIZE)[0].numpy()
    distance = outside_by(points, SIZE)
    assert filled[distance < -1e-4].all()
    assert not filled[distance > 1e-4].any()


@given(
    seed=st.integers(0, 10_000),
    flat=st.sampled_from([1.0, 1e-3, 1e-6, 1e-30]),
    narrow=st.sampled_from([1.0, 1e-3, 1e-6]),
    copies=st.integers(1, 3),
)
@settings(deadline=None)
def test_hulls_of_nearly_a_line_and_of_points_given_twice(
    seed: int, flat: float, narrow: float, copies: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    points = torch.randn(1, 7, 2, generator=generator) * torch.tensor([narrow, flat]) * SIZE / 2 + SIZE / 2
    filled = fill_hull(points.repeat(1, copies, 1), SIZE)[0].numpy()
    distance = outside_by(points[0].double().unique(dim=0).tolist(), SIZE)
    assert filled[distance < -0.01].all()
    assert not filled[distance > 0.01].any()


def test_hulls_of_a_batch_do_not_mix() -> None:
    torch.manual_seed(0)
    points = torch.rand(5, 9, 2) * SIZE
    alone = torch.cat([fill_hull(points[i : i + 1], SIZE) for i in range(5)])
    assert torch.equal(fill_hull(points, SIZE), alone)


def test_a_point_fills_its_pixel() -> None:
    filled = fill_hull(torch.full((1, 5, 2), 3.0), SIZE)[0]
    assert filled.nonzero().tolist() == [[3, 3]]


def test_a_hull_beside_the_image_is_empty() -> None:
    assert not fill_hull(torch.rand(1, 5, 2) - 9, SIZE).any()


@given(
    angle=st.floats(-3.1, 3.1),
    scale=st.floats(0.2, 5),
    shift=st.tuples(st.floats(-50, 50), st.floats(-50, 50)),
    seed=st.integers(0, 99),
)
@settings(deadline=None)
def test_a_similarity_is_recovered(angle: float, scale: float, shift: tuple[float, float], seed: int) -> None:
    torch.manual_seed(seed)
    points = torch.rand(1, 68, 2) * 40
    cosine, sine = scale * math.cos(angle), scale * math.sin(angle)
    truth = torch.tensor([[[cosine, -sine, shift[0]], [sine, cosine, shift[1]]]])
    torch.testing.assert_close(similarity(points, move(points, truth)), truth, rtol=1e-3, atol=1e-3)


def test_centre_and_spread_agree_after_alignment() -> None:
    torch.manual_seed(0)
    points, targets = torch.rand(2, 3, 68, 2) * 40
    moved = move(points, similarity(points, targets))[:, ALIGNED]
    wanted = targets[:, ALIGNED]
    torch.testing.assert_close(moved.mean(1), wanted.mean(1))
    torch.testing.assert_close(
        (moved - moved.mean(1, True)).norm(dim=(1, 2)), (wanted - wanted.mean(1, True)).norm(dim=(1, 2))
    )


def test_alignment_looks_at_neither_jaw_nor_lips_inside() -> None:
    torch.manual_seed(0)
    points, targets = torch.rand(2, 1, 68, 2) * 40
    others = points.clone()
    others[:, [*range(17), 35, *range(61, 68)]] = 0
    assert torch.equal(similarity(points, targets), similarity(others, targets))


def test_the_eye_distance_is_between_the_centres_of_the_eyes() -> None:
    points = torch.zeros(1, 68, 2)
    points[:, 36:42] = torch.tensor([10.0, 20.0])
    points[:, 42:48] = torch.tensor([13.0, 24.0])
    assert eye_distance(points).tolist() == [5.0]


def test_the_region_is_eyes_with_brows_and_nose_with_mouth(
    faces: Callable[..., Batch], expressive_region: Callable[..., torch.Tensor]
) -> None:
    batch = faces()
    points = batch.landmarks[0, :1]
    region = expressive_region(points, 48)[0]
    for part in (slice(17, 35), slice(36, 61)):
        x, y = points[0, part].round().long().unbind(-1)
        assert region[y, x].all()
    jaw_x, jaw_y = points[0, 3:14].round().long().clamp(0, 47).unbind(-1)
    assert not region[jaw_y, jaw_x].any()


FACE = torch.rand(68, 2, generator=torch.Generator().manual_seed(0)) * 30 + 10


@pytest.mark.parametrize(
    ("points", "usable"),
    [
        (FACE, True),
        (FACE - 15, True),
        (torch.full((68, 2), torch.nan), False),
        (FACE.index_put((torch.tensor(66), torch.tensor(1)), torch.tensor(torch.inf)), False),
        (torch.full((68, 2), 20.0), False),
        (FACE * 0.01 + 20, False),
        (FACE + 48, False),
        (FACE - 60, False),
        ((FACE - 25) * 9 + 25, False),
        ((FACE - 25) * 1e30, False),
    ],
    ids=[
        "a face",
        "partly outside",
        "none",
        "one infinite",
        "all alike",
        "tiny",
        "right",
        "left",
        "huge",
        "absurd",
    ],
)
def test_which_landmarks_are_usable(points: torch.Tensor, usable: bool) -> None:
    assert is_usable(points, 48).item() is usable
    assert is_usable(points.expand(2, 3, 68, 2), 48).tolist() == [[usable] * 3] * 2
