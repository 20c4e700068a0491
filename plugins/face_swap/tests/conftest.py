"""Batches of drawn faces."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from ssltoolbox_face_swap.geometry import fill_spans, hull_spans, region_corners

from ssltoolbox.api import Batch
from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

PEOPLE = 8


def draw_batch(draws: int = 6, hard: int = 1, size: int = 48) -> Batch:
    """Draws of eight people in turn, with `hard` hard negatives each."""
    roles = 2 * (1 + hard)
    dataset = SyntheticFaces(SyntheticFacesOptions(size=size, identities=PEOPLE), "train")
    clips = torch.arange(draws)
    times = torch.arange(roles) * 12 + 5
    read = dataset.read(clips.repeat_interleave(roles).tolist(), times.repeat(draws).tolist())
    shape = (draws, roles)
    return Batch(
        frames=read.images.unflatten(0, shape),
        landmarks=read.landmarks.unflatten(0, shape),
        draw=clips,
        clip=clips[:, None].expand(shape),
        identity=(clips % PEOPLE)[:, None].expand(shape),
        time=times.expand(shape).double(),
        labels={"expression": read.labels["expression"].unflatten(0, shape)},
        counts={"frames_read": draws * roles},
    )


@pytest.fixture(scope="session")
def faces() -> Callable[..., Batch]:
    """Makes batches."""
    return draw_batch


@pytest.fixture(scope="session")
def expressive_region() -> Callable[[torch.Tensor, int], torch.Tensor]:
    """Gives the pixels [B, size, size] of eyes with brows, and of nose with mouth, of [B, 68, 2] landmarks."""
    return lambda points, size: fill_spans(hull_spans(region_corners(points[:, None]), size, size), size) > 0
