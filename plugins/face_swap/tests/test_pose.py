"""Donors of similar pose: near ones are taken, mirrored where that is nearer, and others leave a swap undone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from ssltoolbox_face_swap import FaceSwapOptions
from ssltoolbox_face_swap.generator import FaceSwap
from ssltoolbox_face_swap.pose import FACE, MIRRORED, POINTS, angles, mirrored, mirrored_views, views

from ssltoolbox.api import Batch


def head(yaw: float, roll: float = 0.0, size: int = 48) -> torch.Tensor:
    """[68, 2] a face turned by some degrees; points that the pose is not found by lie in a small oval."""
    turn, tilt = np.radians([yaw, roll])
    about_y = np.array([[np.cos(turn), 0, np.sin(turn)], [0, 1, 0], [-np.sin(turn), 0, np.cos(turn)]])
    about_z = np.array([[np.cos(tilt), -np.sin(tilt), 0], [np.sin(tilt), np.cos(tilt), 0], [0, 0, 1]])
    seen = (FACE.numpy() @ (about_z @ about_y).T)[:, :2] * [1, -1]
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    points = 150 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points[POINTS] = seen
    return torch.from_numpy(points * size / 800 + size / 2).float()


def swapped(batch: Batch, **options: Any) -> Batch:
    torch.manual_seed(0)
    return FaceSwap(FaceSwapOptions(p=1.0, **options)).render(batch)


def posed(batch: Batch, sources: list[float], positives: list[float]) -> Batch:
    """A batch without hard negatives whose heads are turned so."""
    rows = [
        torch.stack([head(source), head(other)]) for source, other in zip(sources, positives, strict=True)
    ]
    return replace(batch, landmarks=torch.stack(rows))


@pytest.mark.parametrize("yaw", [-50.0, -10.0, 0.0, 30.0])
def test_angles_between_known_poses(yaw: float) -> None:
    seen = views(torch.stack([head(yaw), head(0.0), head(-yaw)]))
    between = angles(seen, seen)
    assert between[0, 1] == pytest.approx(abs(yaw), abs=0.5)
    assert between[0, 2] == pytest.approx(2 * abs(yaw), abs=0.5)
    assert torch.allclose(mirrored_views(seen)[0], seen[2], atol=1e-6)


def test_roll_in_the_image_does_not_count() -> None:
    seen = views(torch.stack([head(20.0), head(20.0, roll=35.0)]))
    assert angles(seen, seen)[0, 1] == pytest.approx(0, abs=0.1)


def test_mirrored_landmarks_lie_on_the_mirrored_face(faces: Callable[..., Batch]) -> None:
    batch = faces(2, hard=0)
    images, points = mirrored(batch.frames[:, 0], batch.landmarks[:, 0])
    assert torch.equal(images.flip(-1), batch.frames[:, 0])
    again = mirrored(images, points)[1]
    assert torch.allclose(again, batch.landmarks[:, 0])
    # The right eye is the one further left in the image, before and after.
    assert (points[:, 36, 0] < points[:, 45, 0]).all()
    assert (points[:, 48, 0] < points[:, 54, 0]).all()
    assert sorted(MIRRORED) == list(range(68))


def test_a_donor_of_similar_pose_is_taken(faces: Callable[..., Batch]) -> None:
    """Sources 0 and 1 look one way, 2 and 3 the other way and up to the mirror the same."""
    batch = posed(faces(4, hard=0), [0.0, 40.0, 0.0, 40.0], [40.0, 0.0, 40.0, 0.0])
    after = swapped(batch, max_angle=10.0)
    assert after.counts["faces_swapped"] == 4
    jaws = after.landmarks[:, 1, :17]
    assert torch.allclose(jaws, torch.stack([head(yaw)[:17] for yaw in (40.0, 0.0, 40.0, 0.0)]))


def test_the_mirror_image_is_taken_where_it_is_nearer(faces: Callable[..., Batch]) -> None:
    batch = posed(faces(2, hard=0), [40.0, 40.0], [-40.0, -40.0])
    after = swapped(batch, max_angle=10.0)
    assert after.counts["faces_swapped"] == 2
    _, points = mirrored(batch.frames[:, 0], batch.landmarks[:, 0])
    assert torch.allclose(after.landmarks[:, 1, :17], points.flip(0)[:, :17])


def test_a_swap_without_a_near_donor_is_left_undone_and_counted(faces: Callable[..., Batch]) -> None:
    batch = posed(faces(3, hard=0), [0.0, 0.0, 50.0], [50.0, 0.0, 0.0])
    after = swapped(batch, max_angle=15.0)
    assert (after.counts["faces_swapped"], after.counts["swaps_skipped"]) == (3, 0)
    batch = posed(faces(3, hard=0), [0.0, 0.0, 0.0], [50.0, 0.0, 0.0])
    after = swapped(batch, max_angle=15.0)
    assert (after.counts["faces_swapped"], after.counts["swaps_skipped"]) == (2, 1)
    assert torch.equal(after.frames[0], batch.frames[0])


def test_any_pose_is_taken_by_default(faces: Callable[..., Batch]) -> None:
    batch = posed(faces(2, hard=0), [0.0, 0.0], [60.0, 60.0])
    assert swapped(batch).counts["faces_swapped"] == 2


def test_an_angle_that_allows_all_never_takes_the_own_identity(faces: Callable[..., Batch]) -> None:
    batch = faces(12, hard=1)
    after = swapped(batch, max_angle=180.0)
    assert after.counts["faces_swapped"] == 24
    alone = replace(batch, identity=torch.zeros_like(batch.identity))
    assert swapped(alone, max_angle=180.0).counts["faces_swapped"] == 0
