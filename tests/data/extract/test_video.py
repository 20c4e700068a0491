"""One video becomes clips: crops around each face, with landmarks where they are."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from helpers.spots import OneSpot, SpotOptions, Spots, red_rectangles
from helpers.videos import scene, write_video
from PIL import Image

from ssltoolbox.data.extract.video import Cropping, Extracted, extract_video

PICTURE = {"width": 160, "height": 120}
CROPPING = Cropping(fps=Fraction(5), size=64, scale=1.6, cut=0.35, lost=0, min_seconds=1)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def extracted(out: Path, frames: list[np.ndarray], rate: float = 5, **changes: object) -> Extracted:
    path = write_video(out.with_name("a.mov"), frames, rate)
    return extract_video(Spots(SpotOptions()), path, replace(CROPPING, **changes), out)


def clip(out: Path, name: str) -> tuple[list[str], list[np.ndarray], np.ndarray]:
    """File names, images and landmarks of a clip."""
    paths = sorted((out / name).glob("*.jpg"))
    images = [np.array(Image.open(path)) for path in paths]
    return [path.name for path in paths], images, np.load(out / name / "landmarks68.npy")


def test_the_crop_is_1_6_times_the_box(out: Path) -> None:
    frames = [scene((60, 40, 41))] * 6
    assert extracted(out, frames) == Extracted(clips=1, frames=6, looked_at=6, **PICTURE)
    names, images, points = clip(out, "00001")
    assert names == [f"{number:07d}.jpg" for number in range(1, 7)]
    assert {image.shape for image in images} == {(64, 64, 3)}
    assert points.shape == (6, 68, 2)
    assert points.dtype == np.float32
    # The box's side is from the first pixel's centre to the last's, 40; its centre 0.08 of that higher.
    side = np.ptp(points[0, :, 0])
    assert side == pytest.approx(64 / 1.6)
    assert points[0].mean(axis=0) == pytest.approx([31.5, 31.5 + 0.08 * 40], abs=1e-3)


@pytest.mark.parametrize("scale", [1.0, 1.25, 2.5])
def test_scale_tightens_and_widens_the_crop(out: Path, scale: float) -> None:
    extracted(out, [scene((60, 40, 41))] * 6, scale=scale)
    _, _, points = clip(out, "00001")
    assert np.ptp(points[0, :, 0]) == pytest.approx(64 / scale)


def test_crops_are_cut_from_the_full_frame(out: Path) -> None:
    """Two rows in four are darker: in a copy of a quarter of the size, all rows are alike."""
    large = scene((60, 40, 41)).repeat(4, axis=0).repeat(4, axis=1)
    large[np.arange(480) % 4 < 2] -= np.uint8(20)
    path = write_video(out.with_name("a.mov"), [large] * 6, 5)
    changes = {"size": 262, "detect_size": 120}
    extract_video(Spots(SpotOptions()), path, replace(CROPPING, **changes), out)
    _, images, points = clip(out, "00001")
    middle = images[0][100:160, 131, 0].astype(int)
    assert middle.std() == pytest.approx(10, abs=2)
    assert np.ptp(points[0, :, 0]) == pytest.approx(262 / 1.6, abs=1)


def test_frames_are_reported_while_a_video_is_under_way(out: Path) -> None:
    path = write_video(out.with_name("a.mov"), [scene((60, 40, 41))] * 6, 5)
    seen: list[tuple[int, int]] = []
    extract_video(
        Spots(SpotOptions()), path, CROPPING, out, watch=lambda done, expected: seen.append((done, expected))
    )
    assert seen == [(number, 6) for number in range(1, 7)]


def test_landmarks_lie_on_the_face_in_the_crop(out: Path) -> None:
    extracted(out, [scene((20 + 4 * step, 30 + 2 * step, 40)) for step in range(10)])
    _, images, points = clip(out, "00001")
    for image, stored in zip(images, points, strict=True):
        found = red_rectangles(image)[0]
        assert np.abs(found - stored).max() < 1.5


def test_the_crop_does_not_jump(out: Path) -> None:
    """A detector that trembles by two pixels must not make the background tremble as much."""
    rng = np.random.default_rng(0)
    frames = [scene((60 + rng.integers(-2, 3), 40, 40)) for _ in range(50)]
    extracted(out, frames, rate=25, fps=Fraction(25))
    _, _, points = clip(out, "00001")
    face_in_crop = points[:, 0, 0]
    face_in_frame = np.array([red_rectangles(frame)[0][0, 0] for frame in frames])
    background = face_in_frame - face_in_crop * (40 * 1.6 / 64)
    assert np.abs(np.diff(background)).mean() < 0.25 * np.abs(np.diff(face_in_frame)).mean()


def test_a_clip_for_each_face(out: Path) -> None:
    frames = [scene((5 + step, 10, 40), (110 - step, 50, 30)) for step in range(8)]
    assert extracted(out, frames) == Extracted(clips=2, frames=16, looked_at=8, **PICTURE)
    assert sorted(path.name for path in out.iterdir()) == ["00001", "00002"]


def test_a_detector_of_one_face_follows_the_largest(out: Path) -> None:
    path = write_video(out.with_name("a.mov"), [scene((5, 10, 40), (110, 50, 30))] * 8, 5)
    assert extract_video(OneSpot(SpotOptions()), path, CROPPING, out).clips == 1


def test_clips_end_at_cuts_and_where_the_face_is_lost(out: Path) -> None:
    here, nobody = scene((40, 30, 40)), scene()
    there = scene((42, 30, 40), colour=(220, 220, 200))
    frames = [here] * 6 + [there] * 7 + [nobody] * 2 + [here] * 5
    assert extracted(out, frames) == Extracted(clips=3, frames=18, looked_at=20, without_face=2, **PICTURE)
    assert [clip(out, f"{number:05d}")[0][0] for number in (1, 2, 3)] == [
        "0000001.jpg",
        "0000007.jpg",
        "0000016.jpg",
    ]


def test_a_face_may_be_lost_for_a_while(out: Path) -> None:
    here, nobody = scene((40, 30, 40)), scene()
    frames = [here] * 4 + [nobody] * 2 + [here] * 4
    assert extracted(out, frames, lost=0.4).clips == 1
    names, _, points = clip(out, "00001")
    assert names == [f"{number:07d}.jpg" for number in (1, 2, 3, 4, 7, 8, 9, 10)]
    assert len(points) == 8


def test_short_clips_are_dropped_and_counted(out: Path) -> None:
    frames = [scene((10, 10, 40))] * 4 + [scene((100, 70, 40))] * 5
    assert extracted(out, frames) == Extracted(clips=1, frames=5, looked_at=9, short=1, **PICTURE)
    assert [path.name for path in out.iterdir()] == ["00001"]


def test_clips_of_slow_videos_are_dropped_and_counted(out: Path) -> None:
    """Frames 1, 3, 5, … would be read as neighbours in time."""
    result = extracted(out, [scene((10, 10, 40))] * 10, rate=5, fps=Fraction(10))
    assert result == Extracted(looked_at=10, sparse=1, **PICTURE)
    assert list(out.iterdir()) == []


class Wild:
    """A detector that mistakes no face for one without extent, one without end, and one that is nowhere."""

    def faces(self, image: np.ndarray) -> list[np.ndarray]:
        return [np.full((68, 2), value, np.float32) for value in (3.0, np.nan)] + [
            np.linspace((0, 0), (1e6, 1e6), 68, dtype=np.float32)
        ]

    def detect(self, image: np.ndarray) -> np.ndarray:
        return self.faces(image)[0]


def test_faces_that_no_crop_can_be_made_of_are_none(out: Path) -> None:
    path = write_video(out.with_name("a.mov"), [scene()] * 6, 5)
    result = extract_video(Wild(), path, CROPPING, out)
    assert result == Extracted(looked_at=6, without_face=6, **PICTURE)


def test_a_video_without_a_face(out: Path) -> None:
    assert extracted(out, [scene()] * 6) == Extracted(looked_at=6, without_face=6, **PICTURE)
    assert list(out.iterdir()) == []
