"""Landmarks: in the picture, in order, and moving as a solid head would."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from ssltoolbox.data.synthetic_faces.clip import draw_clip
from ssltoolbox.data.synthetic_faces.expression import UNITS
from ssltoolbox.data.synthetic_faces.geometry import FaceShapes

SIZE = 200


def frontal(identity: int = 0, **changes: float) -> NDArray[np.void]:
    """One neutral face that looks into the camera; `changes` name units or camera fields."""
    face = draw_clip(0, identity, 0, np.arange(4) / 4).faces([1])
    for name in ("yaw", "pitch", "roll", "shift"):
        face["camera"][name] = 0
    face["camera"]["scale"] = 1.1
    face["moment"]["units"] = 0
    face["moment"]["blink"] = 0
    face["moment"]["gaze"] = 0
    for name, value in changes.items():
        if name in UNITS:
            face["moment"]["units"][:, UNITS.index(name)] = value
        elif name == "blink":
            face["moment"]["blink"] = value
        else:
            face["camera"][name] = value
    return face


def landmarks(identity: int = 0, **changes: float) -> NDArray[np.float32]:
    return FaceShapes(frontal(identity, **changes), SIZE).landmarks[0]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**31),
    pose=st.tuples(*[st.floats(-1, 1)] * 3),
    shift=st.tuples(*[st.floats(-1, 1)] * 2),
    scale=st.floats(0.95, 1.25),
    size=st.sampled_from([24, 48, 112]),
)
def test_every_landmark_is_in_the_picture_at_any_pose(
    seed: int, pose: tuple[float, ...], shift: tuple[float, ...], scale: float, size: int
) -> None:
    face = draw_clip(0, seed, 0, np.arange(40) / 4).faces(np.arange(0, 40, 5))
    for (name, limit), value in zip({"yaw": 0.48, "pitch": 0.3, "roll": 0.3}.items(), pose, strict=True):
        face["camera"][name] = value * limit
    face["camera"]["shift"], face["camera"]["scale"] = shift, scale
    points = FaceShapes(face, size).landmarks
    assert points.min() >= 0
    assert points.max() <= size - 1


def test_the_order_is_that_of_ibug() -> None:
    for identity in range(20):
        x, y = landmarks(identity).T
        assert (np.diff(x[1:16]) > 0).all()
        assert y[8] == y[:17].max()
        assert (np.diff(x[17:27]) > 0).all()
        assert (np.diff(y[27:31]) > 0).all()
        assert (np.diff(x[31:36]) > 0).all()
        for corner in (36, 42):
            assert x[corner] < x[corner + 1] < x[corner + 2] < x[corner + 3]
            assert (y[[corner + 1, corner + 2]] < y[[corner + 5, corner + 4]]).all()
        assert (np.diff(x[48:55]) > 0).all()
        assert (np.diff(x[54:60]) < 0).all()
        assert (y[49:54] < y[[59, 58, 57, 56, 55]]).all()
        assert (np.diff(x[60:65]) > 0).all()
        assert y[17:27].max() < y[36:48].min() < y[30] < y[48:68].min()


def test_a_frontal_neutral_face_is_symmetric() -> None:
    points = landmarks()
    mirrored = [16 - i for i in range(17)] + [43 - i for i in range(17, 27)] + list(range(27, 31))
    mirrored += [66 - i for i in range(31, 36)] + [45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40]
    mirrored += [102 - i for i in range(48, 55)] + [114 - i for i in range(55, 60)]
    mirrored += [124 - i for i in range(60, 65)] + [132 - i for i in range(65, 68)]
    np.testing.assert_allclose(points[mirrored, 0], SIZE - 1 - points[:, 0], atol=1e-3)
    np.testing.assert_allclose(points[mirrored, 1], points[:, 1], atol=1e-3)


def test_turning_the_head_moves_features_against_the_outline_and_the_nose_most() -> None:
    ahead, turned = landmarks(), landmarks(yaw=0.4)
    moved = (turned - ahead)[:, 0]
    assert abs(moved[[0, 16]]).max() < 1
    assert moved[30] > moved[27] > moved[36:48].max() > moved[36:48].min() > 8
    near, far = turned[39, 0] - turned[36, 0], turned[45, 0] - turned[42, 0]
    assert far < 0.75 * near


@pytest.mark.parametrize(
    ("unit", "value", "lower", "upper"),
    [
        ("smile", 1, 48, 57),  # the corners rise, the middle does not
        ("open", 1, 62, 66),
        ("raise", 1, 19, 37),
        ("furrow", 1, 19, 21),
        ("inner", 1, 21, 19),
        ("eye", 1, 37, 41),
        ("asymmetry", 1, 54, 48),
        ("wrinkle", 1, 33, 8),
    ],
)
def test_units_do_what_they_are_called(unit: str, value: float, lower: int, upper: int) -> None:
    """Moves the landmark `lower` up against the landmark `upper`."""
    rest, active = landmarks(), landmarks(**{unit: value})
    assert (active[upper, 1] - active[lower, 1]) - (rest[upper, 1] - rest[lower, 1]) > 1.5


def test_a_blink_closes_both_eyes() -> None:
    points = landmarks(blink=1)
    np.testing.assert_allclose(points[[37, 38, 43, 44]], points[[41, 40, 47, 46]], atol=1e-3)


def test_the_inverse_of_a_plane_undoes_its_matrix() -> None:
    plane = FaceShapes(frontal(yaw=0.3, roll=0.2), SIZE).eyes[0].plane
    np.testing.assert_allclose(plane.inverse()[0] @ plane.matrix[0], np.eye(2), atol=1e-5)
