from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ssltoolbox.api import Dataset, UserError
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions

Put = Callable[..., Path]
REAL_FACES = Path(__file__).parents[4] / "shared" / "faces"


def opened(root: Path, size: int = 16, **options: float) -> FramesDataset:
    return FramesDataset(FramesOptions(root=root, size=size, **options), "train")


@pytest.fixture
def greys(tmp_path: Path, put_image: Put) -> FramesDataset:
    """Two clips of three frames; frame f of clip c has the value 100 c + 10 f."""
    for clip in range(2):
        for frame in range(3):
            path = tmp_path / f"id{clip}" / "v" / "c" / f"{frame}.png"
            put_image(path, size=(32, 32), colour=100 * clip + 10 * frame)
    return opened(tmp_path)


def test_a_folder_of_frames_is_a_dataset(greys: FramesDataset) -> None:
    assert isinstance(greys, Dataset)
    assert len(greys) == 2
    assert greys.size == 16


def test_clips_have_numbers_names_and_times(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/c", ["0000001.png", "0000002.png", "0000004.png"])
    put_clip("id2/v/line\nbreak", ["a.png"])
    first, second = (opened(tmp_path, fps=10.0).clip(index) for index in range(2))
    assert (first.index, first.identity, first.name) == (0, 0, "id1/v/c")
    assert (second.index, second.identity, second.name) == (1, 1, r"id2/v/line\nbreak")
    np.testing.assert_allclose(first.times, [0, 0.1, 0.3])
    assert first.landmarks is None


def test_images_come_in_the_order_asked_for(greys: FramesDataset) -> None:
    frames = greys.read([1, 0, 1, 0], [2, 1, 0, 1])
    assert frames.images.shape == (4, 3, 16, 16)
    assert frames.images.dtype == torch.uint8
    assert frames.images.is_contiguous()
    for image, value in zip(frames.images, [120, 10, 100, 10], strict=True):
        assert image.unique().tolist() == [value]
    assert frames.landmarks.shape == (4, 68, 2)
    assert frames.landmarks.dtype == torch.float32
    assert frames.landmarks.isnan().all()
    assert not frames.labels
    assert not frames.unreadable


def test_nothing_asked_for_is_nothing_read(greys: FramesDataset) -> None:
    assert greys.read([], []).images.shape == (0, 3, 16, 16)


def test_the_same_frame_is_opened_once(greys: FramesDataset, monkeypatch: pytest.MonkeyPatch) -> None:
    from ssltoolbox.data.frames import folder_source

    opened: list[str] = []
    read_image = folder_source.read_image

    def count(path: str, *more: Any) -> object:
        opened.append(Path(path).name)
        return read_image(path, *more)

    monkeypatch.setattr(folder_source, "read_image", count)
    frames = greys.read([0, 0, 0], [1, 2, 1])
    assert opened == ["1.png", "2.png"]
    assert torch.equal(frames.images[0], frames.images[2])


def test_unreadable_images_are_listed_by_position_in_the_request(tmp_path: Path, put_clip: Put) -> None:
    put_clip("id1/v/c", ["1.png", "2.png", "3.png"])
    clip = put_clip("id2/v/c", ["1.png"])
    dataset = opened(tmp_path)
    (clip / "1.png").write_bytes(b"")
    (tmp_path / "id1" / "v" / "c" / "3.png").unlink()
    frames = dataset.read([1, 0, 0, 0], [0, 2, 0, 2])
    gone = f"{tmp_path}/id1/v/c/3.png: No such file or directory"
    empty = f"{clip}/1.png: empty, or not a BMP, JPEG, PNG, TIFF or WEBP image"
    assert frames.unreadable == {0: empty, 1: gone, 3: gone}
    assert frames.images[2].unique().tolist() == [90]


class TestLandmarks:
    points = np.random.default_rng(0).uniform(0, 64, (3, 68, 2)).astype(np.float32)

    @pytest.fixture
    def clip(self, put_clip: Put) -> Path:
        folder = put_clip("id1/v/c", ["1.png", "2.png", "10.png"], size=(64, 32))
        np.save(folder / "landmarks68.npy", self.points)
        return folder

    def test_landmarks_are_scaled_with_the_image(self, tmp_path: Path, clip: Path) -> None:
        frames = opened(tmp_path).read([0, 0], [2, 0])
        expected = (self.points[[2, 0]] + 0.5) * [16 / 64, 16 / 32] - 0.5
        np.testing.assert_allclose(frames.landmarks, expected, rtol=1e-6)

    def test_sit_where_the_picture_shows_them(self, tmp_path: Path, put_image: Put) -> None:
        pixels = np.zeros((225, 301, 3), dtype=np.uint8)
        pixels[80:97, 200:217] = 255
        clip = put_image(tmp_path / "id1/v/c/1.jpg", pixels).parent
        np.save(clip / "landmarks68.npy", np.full((1, 68, 2), (208, 88)))
        for size in (32, 64, 100, 400):
            frames = opened(tmp_path, size=size).read([0], [0])
            weight = frames.images[0, 0].float()
            places = torch.arange(size).float()
            centre = [float((weight.sum(axis) * places).sum() / weight.sum()) for axis in (0, 1)]
            assert frames.landmarks[0, 0].tolist() == pytest.approx(centre, abs=0.1)

    def test_are_missing_where_their_row_or_image_is(self, tmp_path: Path, clip: Path) -> None:
        stored = self.points.copy()
        stored[1, 5] = np.nan
        np.save(clip / "landmarks68.npy", stored)
        (clip / "10.png").write_bytes(b"")
        dataset = opened(tmp_path)
        missing = dataset.read([0, 0, 0], [0, 1, 2]).landmarks.isnan()
        assert [row.unique().tolist() for row in missing] == [[False], [True], [True]]
        assert np.array_equal(np.isnan(dataset.clip(0).landmarks), missing)

    def test_of_a_clip_are_those_of_its_frames(self, tmp_path: Path, clip: Path) -> None:
        dataset = opened(tmp_path)
        np.testing.assert_array_equal(dataset.clip(0).landmarks, dataset.read([0] * 3, range(3)).landmarks)

    def test_landmarks_of_a_wrong_shape_stop_the_run(self, tmp_path: Path, clip: Path) -> None:
        (clip / "2.png").unlink()
        dataset = opened(tmp_path)
        message = (
            f"{clip}/landmarks68.npy: shape [2, 68, 2] is expected, a row for each frame beside it; "
            "found [3, 68, 2]"
        )
        for look in (lambda: dataset.read([0], [0]), lambda: dataset.clip(0).landmarks):
            with pytest.raises(UserError) as caught:
                look()
            assert str(caught.value) == message


def test_a_copy_reads_the_same_bytes(tmp_path: Path, put_clip: Put) -> None:
    folder = put_clip("id1/v/c")
    np.save(folder / "landmarks68.npy", np.ones((3, 68, 2)))
    dataset = opened(tmp_path)
    copied = pickle.loads(pickle.dumps(dataset))
    first, second = dataset.read([0, 0], [0, 2]), copied.read([0, 0], [0, 2])
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.landmarks, second.landmarks)
    assert pickle.loads(pickle.dumps(dataset.clip(0))).landmarks.shape == (3, 68, 2)


def test_odd_names_are_read(tmp_path: Path, put_clip: Put) -> None:
    put_clip(os.fsdecode(b"Jos\xe9 B/v\n/c"), ["a b.png", os.fsdecode(b"\xff.png")])
    frames = opened(tmp_path).read([0, 0], [0, 1])
    assert not frames.unreadable
    assert frames.images.unique().tolist() == [90]


@pytest.mark.skipif(not REAL_FACES.is_dir(), reason="no real faces beside the repository")
def test_real_faces_are_all_readable() -> None:
    options = FramesOptions(root=REAL_FACES)
    facts = options.facts()
    assert facts.landmarks
    dataset = FramesDataset(options, "train")
    assert len(dataset) == facts.clips
    for index in range(len(dataset)):
        clip = dataset.clip(index)
        frames = dataset.read([index] * len(clip), range(len(clip)))
        assert not frames.unreadable
        inside = (frames.landmarks > 0) & (frames.landmarks < dataset.size)
        assert inside.float().mean() > 0.99


def test_links_that_lead_out_of_the_root_can_be_followed(tmp_path: Path, put_image: Put) -> None:
    put_image(tmp_path / "elsewhere/v/c/1.png")
    put_image(tmp_path / "root/a/v/c/1.png")
    (tmp_path / "root/b").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="follow_links"):
        FramesOptions(root=tmp_path / "root").facts()
    options = FramesOptions(root=tmp_path / "root", follow_links=True)
    assert options.facts().clips == 2
    assert not FramesDataset(options, "train").read([0, 1], [0, 0]).unreadable
