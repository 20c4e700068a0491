"""Pixels: features where the landmarks say, and light that never goes out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from ssltoolbox.data.synthetic_faces.clip import draw_clip
from ssltoolbox.data.synthetic_faces.expression import UNITS
from ssltoolbox.data.synthetic_faces.raster import Canvas, CanvasWindow
from ssltoolbox.data.synthetic_faces.render import render

SIZE = 224
POSES = [(0, 0, 0), (0.48, 0, 0), (-0.48, 0.3, -0.3), (0.3, -0.3, 0.3), (-0.2, 0, 0.2)]


def faces(pose: tuple[float, float, float], units: dict[str, float] | None = None) -> NDArray[np.void]:
    """20 people in even, white light, without beard and glasses, in one pose with one expression."""
    drawn = np.concatenate([draw_clip(1, identity, 0, np.arange(2) / 4).faces([0]) for identity in range(20)])
    camera, person, moment = drawn["camera"], drawn["person"], drawn["moment"]
    camera["yaw"], camera["pitch"], camera["roll"] = pose
    camera["slope"], camera["tint"], camera["scale"] = 0, 1, 1.1
    person["beard"] = person["glasses"] = 0
    moment["units"], moment["blink"], moment["gaze"] = 0, 0, 0
    for name, value in (units or {}).items():
        moment["units"][:, UNITS.index(name)] = value
    return drawn


def colours(images: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
    """[B, n, 3] in 0 to 1: the mean of the 3 × 3 pixels about points [B, n, 2]."""
    smooth = torch.nn.functional.avg_pool2d(images.float() / 255, 3, stride=1, padding=1)
    x, y = points.round().long().unbind(-1)
    row = torch.arange(len(images))[:, None]
    return smooth.permute(0, 2, 3, 1)[row, y, x]


@pytest.mark.parametrize("pose", POSES)
def test_irises_are_darker_than_the_corners_of_the_eyes(pose: tuple[float, float, float]) -> None:
    drawn = faces(pose, {"eye": 0.8})
    images, marks = render(drawn, SIZE)
    for eye in (36, 42):
        middle = marks[:, eye : eye + 6].mean(1)
        corner = marks[:, [eye, eye + 3]] + 0.25 * (middle[:, None] - marks[:, [eye, eye + 3]])
        assert (colours(images, middle[:, None]).amax(2) < 0.35).all()
        assert (colours(images, corner).amin(2) > 0.55).all()


@pytest.mark.parametrize("pose", POSES)
def test_an_open_mouth_is_dark_inside_and_teeth_are_white(pose: tuple[float, float, float]) -> None:
    images, marks = render(faces(pose, {"open": 1.0}), SIZE)
    hollow = (marks[:, [62]] * 3 + marks[:, [66]]) / 4
    assert (colours(images, hollow).amax(2) < 0.4).all()
    images, marks = render(faces(pose, {"open": 0.6, "teeth": 1.0}), SIZE)
    teeth = (marks[:, [62]] * 3 + marks[:, [66]]) / 4
    assert (colours(images, teeth).amin(2) > 0.7).all()


@pytest.mark.parametrize("pose", POSES)
def test_lips_have_their_colour(pose: tuple[float, float, float]) -> None:
    drawn = faces(pose, {"open": 0.6})
    drawn["person"]["lip"] = 0.056
    images, marks = render(drawn, SIZE)
    lip = (marks[:, [57]] + marks[:, [66]]) / 2
    expected = torch.from_numpy(drawn["person"]["lips"].copy()).clamp(0, 1)
    assert ((colours(images, lip)[:, 0] - expected).abs() < 0.12).all()


@pytest.mark.parametrize("pose", POSES)
def test_brows_have_the_colour_of_the_hair(pose: tuple[float, float, float]) -> None:
    drawn = faces(pose)
    drawn["person"]["brow_thickness"] = 0.036
    images, marks = render(drawn, SIZE)
    expected = torch.from_numpy(drawn["person"]["hair"] * np.float32(0.75))[:, None]
    middle = [18, 19, 20, 23, 24, 25]
    assert ((colours(images, marks[:, middle]) - expected).abs() < 0.15).all()


@pytest.mark.parametrize("pose", POSES)
def test_the_jaw_is_an_edge_of_the_skin(pose: tuple[float, float, float]) -> None:
    drawn = faces(pose)
    drawn["person"]["skin"], drawn["person"]["hair"] = (1, 0.5, 0), (0, 0, 1)
    drawn["scene"]["clothing"] = drawn["scene"]["backdrop"] = (0, 0, 1)
    images, marks = render(drawn, SIZE)
    jaw = marks[:, 3:14]
    inward = jaw - marks[:, 27:31].mean(1, keepdim=True)
    inward = inward / inward.norm(dim=2, keepdim=True) * 4
    inside, outside = colours(images, jaw - inward), colours(images, jaw + inward)
    assert (inside[..., 0] > 0.6).all()
    assert (inside[..., 0] - outside[..., 0] > 0.04).all()


def test_nothing_is_cut_at_strong_pose() -> None:
    """What the features add to a bald, featureless head lies around the landmarks, whole."""
    for pose in POSES:
        near, far = (faces(pose, {"raise": 1.3, "wrinkle": 1.0, "furrow": 1.0}) for _ in range(2))
        far["camera"]["shift"] = (-0.05, 0.05)
        (first, marks), (second, moved) = render(near, SIZE), render(far, SIZE)
        before = colours(first, marks[:, 17:])
        after = colours(second, moved[:, 17:])
        assert ((before - after).abs().amax(2) > 0.25).float().mean() < 0.02


@pytest.mark.parametrize("size", [24, 33, 48, 112])
@pytest.mark.parametrize("glasses", [0, 1])
def test_a_window_never_shows(size: int, glasses: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """One by one, where windows are smallest, and on whole pictures: to the byte the same faces, the strongest."""
    rng = np.random.default_rng((size, glasses))
    drawn = np.tile(faces((0, 0, 0)), 4)
    camera, person, moment = drawn["camera"], drawn["person"], drawn["moment"]
    for name, limit in (("yaw", 0.48), ("pitch", 0.3), ("roll", 0.3)):
        camera[name] = rng.uniform(-limit, limit, len(drawn))
    camera["scale"] = rng.uniform(0.5, 2.5, len(drawn))
    moment["units"] = rng.uniform(-1.5, 2, moment["units"].shape)
    moment["gaze"] = rng.uniform(-0.04, 0.04, moment["gaze"].shape)
    person["glasses"], person["beard"] = glasses, rng.random(len(drawn)) < 0.5
    in_windows = torch.cat([render(drawn[[number]], size)[0] for number in range(len(drawn))])
    monkeypatch.setattr(CanvasWindow, "_between", lambda self, low, high: self)
    monkeypatch.setattr(Canvas, "around", lambda self, points, reach, paint: paint(self.whole()))
    assert torch.equal(render(drawn, size)[0], in_windows)


@pytest.mark.parametrize("slope", [(0.9, 0.9), (-1.5, 0.3), (0, -2)])
def test_strong_light_blackens_nothing(slope: tuple[float, float]) -> None:
    drawn = faces((0, 0, 0))
    drawn["camera"]["slope"] = slope
    drawn["person"]["skin"], drawn["person"]["hair"] = 0.8, 0.8
    drawn["scene"]["backdrop"] = drawn["scene"]["clothing"] = 0.8
    images, _ = render(drawn, 48)
    for corner in (
        images[:, :, :4, :4],
        images[:, :, :4, -4:],
        images[:, :, -4:, :4],
        images[:, :, -4:, -4:],
    ):
        assert corner.float().mean() > 0.3 * 0.8 * 255


def test_pixel_noise_is_there_and_differs_between_frames() -> None:
    drawn = faces((0, 0, 0))[[0, 0]]
    drawn["scene"]["backdrop"] = 0.5
    drawn["moment"]["grain"] = (0.1, 0.6)
    images, _ = render(drawn, 48)
    strip = images[:, :, :, 0].float() / 255
    assert not torch.equal(strip[0], strip[1])
    assert (strip[0] - strip[1]).std() == pytest.approx(0.015 * 2**0.5, rel=0.25)
