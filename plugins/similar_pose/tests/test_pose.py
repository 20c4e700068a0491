"""The pose of a projected face is the rotation that was applied to it."""

import numpy as np
import pytest
from ssltoolbox_similar_pose.pose import FACE, POINTS, angles, rotations


def turn(yaw: float = 0.0, pitch: float = 0.0, roll: float = 0.0) -> np.ndarray:
    """[3, 3] a rotation by degrees about the axes up, right and to the camera."""
    matrices = []
    for axis, degrees in ((1, yaw), (0, pitch), (2, roll)):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        one, two = (i for i in range(3) if i != axis)
        matrix = np.eye(3)
        matrix[one, one] = matrix[two, two] = cos
        matrix[one, two], matrix[two, one] = -sin, sin
        matrices.append(matrix)
    return np.linalg.multi_dot(matrices)


def seen(rotation: np.ndarray, scale: float = 0.1, centre: tuple[float, float] = (40, 60)) -> np.ndarray:
    """[68, 2] landmarks of the face under weak perspective; points that the pose ignores are random."""
    landmarks = np.random.default_rng(0).uniform(0, 99, (68, 2))
    landmarks[POINTS] = np.array(centre) + scale * (FACE @ rotation.T)[:, :2] * [1, -1]
    return landmarks


@pytest.mark.parametrize("rotation", [turn(), turn(yaw=30), turn(pitch=-20), turn(25, 10, -40)])
def test_the_rotation_is_found(rotation: np.ndarray) -> None:
    (found,) = rotations(seen(rotation, scale=0.3, centre=(7, 5))[None])
    np.testing.assert_allclose(found, rotation, atol=1e-6)


def test_the_angle_between_poses_does_not_depend_on_scale() -> None:
    poses = rotations(np.stack([seen(turn(yaw=20)), seen(turn(yaw=-10)), seen(turn(yaw=20), scale=3)]))
    np.testing.assert_allclose(angles(poses[0], poses), [0, 30, 0], atol=1e-4)


def test_without_a_point_there_is_no_pose() -> None:
    landmarks = np.stack([seen(turn()), seen(turn()), np.zeros((68, 2))])
    landmarks[0, POINTS[2]] = np.nan
    found = rotations(landmarks)
    assert np.isnan(found[[0, 2]]).any(axis=(1, 2)).all()
    assert not np.isnan(found[1]).any()
