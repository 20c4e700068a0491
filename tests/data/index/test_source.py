"""An index gives what its folder gives, reads nothing outside of its root, and adds labels."""

from __future__ import annotations

import errno
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers.golden import Golden
from PIL import Image

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.detect import find_landmarks
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.info import clips_long_enough, index_info, label_facts
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import FRAMES, FRAMES_FILE, LABELS, Packing, map_table, write_table
from ssltoolbox.data.index.sheet import write_sheet

Put = Callable[..., Path]
FPS = 25 / 6


@pytest.fixture
def root(tmp_path: Path, put_image: Put) -> Path:
    """Two persons with two clips of three photos each, landmarks beside one of them."""
    random = np.random.default_rng(0)
    for clip in range(4):
        folder = tmp_path / "frames" / f"id{clip // 2}" / f"v{clip}" / "c"
        for frame in range(3):
            small = Image.fromarray(random.integers(0, 256, (6, 5, 3), dtype=np.uint8))
            put_image(folder / f"{frame}.jpg", np.asarray(small.resize((64, 48))))
    np.save(folder / "landmarks68.npy", random.uniform(0, 48, (3, 68, 2)))
    return tmp_path / "frames"


@pytest.fixture
def index(root: Path) -> Path:
    output = root.parent / "vox1.index"
    build_index(list_folder(root, FPS), output, workers=1, tick=lambda done: None)
    return output


def opened(index: Path, size: int = 32, **options: float) -> FramesDataset:
    return FramesDataset(FramesOptions(index=index, size=size, **options), "train")


@pytest.mark.parametrize("size", [32, 64, 100])
def test_an_index_gives_the_images_of_the_folder(root: Path, index: Path, size: int) -> None:
    folder = FramesDataset(FramesOptions(root=root, size=size), "train")
    dataset = opened(index, size)
    clips, frames = [3, 0, 2, 3, 1], [1, 2, 0, 1, 1]
    expected, found = folder.read(clips, frames), dataset.read(clips, frames)
    assert torch.equal(found.images, expected.images)
    torch.testing.assert_close(found.landmarks, expected.landmarks, equal_nan=True)
    assert not found.landmarks[0].isnan().any()
    assert len(dataset) == len(folder)
    for number in range(4):
        one, other = dataset.clip(number), folder.clip(number)
        assert (one.index, one.identity, one.name) == (other.index, other.identity, other.name)
        assert one.times.tolist() == other.times.tolist()
        if other.landmarks is None:
            assert one.landmarks is None
        else:
            np.testing.assert_allclose(one.landmarks, other.landmarks, rtol=1e-6)


def test_facts_are_the_folders(root: Path, index: Path) -> None:
    assert FramesOptions(index=index).facts() == FramesOptions(root=root).facts()


def test_splits_are_the_folders(root: Path, index: Path) -> None:
    for split in ("train", "val"):
        places = [
            FramesDataset(FramesOptions(val=0.5, **place), split)
            for place in ({"root": root}, {"index": index})
        ]
        names = [[dataset.clip(clip).name for clip in range(len(dataset))] for dataset in places]
        assert names[0] == names[1]


def test_an_index_gives_the_labels_of_its_frames(index: Path) -> None:
    frames = map_table(index / FRAMES_FILE, FRAMES)
    values = {"expression": [0, 1, -1] * 4, "valence": [float(row) for row in range(12)]}
    for name, column in values.items():
        frames = frames.append_column(name, pa.array(column, LABELS[name]))
    write_table(index / FRAMES_FILE, frames)
    labels = opened(index).read([3, 0], [2, 1]).labels
    assert labels["expression"].tolist() == [-1, 1]
    assert labels["expression"].dtype == torch.int64
    assert labels["valence"].tolist() == [11, 1]
    assert labels["valence"].dtype == torch.float32
    assert FramesOptions(index=index).facts().labels == {"expression", "valence"}


def test_vanished_images_are_unreadable_with_path_and_reason(root: Path, index: Path) -> None:
    (root / "id0/v1/c/2.jpg").unlink()
    frames = opened(index).read([1, 1], [2, 0])
    assert frames.unreadable == {0: f"{root}/id0/v1/c/2.jpg: {os.strerror(errno.ENOENT)}"}


def test_a_copy_reads_the_same(index: Path) -> None:
    dataset = opened(index)
    stored = pickle.dumps(dataset)
    assert len(stored) < 5000
    first, second = dataset.read([3, 0], [1, 2]), pickle.loads(stored).read([3, 0], [1, 2])
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.landmarks, second.landmarks) or first.landmarks.isnan().any()


class TestHostile:
    """Nothing outside of the root is read, whatever an index says."""

    def rewritten(self, index: Path, path: str) -> FramesDataset:
        frames = map_table(index / FRAMES_FILE, FRAMES)
        paths = [path, *frames["path"].to_pylist()[1:]]
        write_table(index / FRAMES_FILE, frames.set_column(0, "path", pa.array(paths, pa.large_string())))
        return opened(index)

    @pytest.mark.parametrize(
        "path", ["../secret.jpg", "id0/../../secret.jpg", "{parent}/secret.jpg", "a\0.jpg"]
    )
    def test_paths_that_lead_out_of_the_root_are_refused(
        self, index: Path, put_image: Put, path: str
    ) -> None:
        put_image(index.parent / "secret.jpg")
        path = path.format(parent=index.parent)
        dataset = self.rewritten(index, path)
        with pytest.raises(UserError) as caught:
            dataset.read([0], [0])
        message = str(caught.value)
        assert message.startswith(f"{index}: ")
        assert path.replace("\0", r"\x00") in message
        assert f"{index.parent}/frames" in message

    def test_links_that_lead_out_of_the_root_are_refused(self, index: Path, put_image: Put) -> None:
        secret = put_image(index.parent / "secret" / "0.jpg")
        folder = index.parent / "frames/id0/v0/c"
        (folder / "0.jpg").unlink()
        (folder / "0.jpg").symlink_to(secret)
        shutil.move(folder.parent.parent / "v1/c", index.parent / "moved")
        (folder.parent.parent / "v1/c").symlink_to(index.parent / "moved")
        dataset = opened(index)
        for clip in (0, 1):
            with pytest.raises(UserError, match=str(index.parent / "frames")):
                dataset.read([clip], [0])

    def test_a_root_that_leads_up(self, index: Path, golden: Golden) -> None:
        header = index / "index.json"
        header.write_text(header.read_text().replace('"frames"', '"../x"'))
        with pytest.raises(UserError) as caught:
            opened(index)
        golden(str(caught.value))


def test_frames_that_are_gone(index: Path, golden: Golden) -> None:
    shutil.move(index.parent / "frames", index.parent / "moved")
    with pytest.raises(DataNotFound) as caught:
        FramesOptions(index=index).facts()
    golden(str(caught.value))


def test_landmarks_that_are_cut_short_while_they_are_read(index: Path, golden: Golden) -> None:
    dataset = opened(index)
    dataset.read([3], [2])
    os.truncate(index / "landmarks.arrow", 600)
    with pytest.raises(UserError) as caught:
        dataset.read([3], [2])
    golden(str(caught.value))


def test_an_index_that_is_gone(tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(DataNotFound) as caught:
        FramesOptions(index=tmp_path / "gone").facts()
    golden(str(caught.value))


def test_the_frame_rate_is_the_indexs(index: Path, golden: Golden) -> None:
    assert FramesOptions(index=index, fps=4.1667).facts().fps == FPS
    with pytest.raises(UserError) as caught:
        FramesOptions(index=index, fps=25).facts()
    golden(str(caught.value))


def test_facts_import_no_torch(index: Path) -> None:
    code = (
        "import sys, pathlib; from ssltoolbox.data.frames.options import FramesOptions;"
        f"FramesOptions(index=pathlib.Path({str(index)!r})).facts(); sys.exit('torch' in sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


@pytest.mark.parametrize("name", ["frames.arrow", "clips.arrow"])
def test_an_index_that_is_cut_short_while_it_is_open(
    tmp_path: Path, put_clip: Callable[..., Path], name: str
) -> None:
    """Reading past the end of a mapped file would kill the process."""
    put_clip("frames/a/v/c")
    root, output = tmp_path / "frames", tmp_path / "cut.index"
    build_index(list_folder(root, 5), output, workers=1, tick=lambda done: None)
    dataset = FramesDataset(FramesOptions(index=output, size=16), "train")
    os.truncate(output / name, 8)
    for use in (lambda: dataset.clip(0), lambda: dataset.read([0], [0])):
        with pytest.raises(UserError, match=f"{name}: "):
            use()


@pytest.mark.parametrize("name", ["frames.arrow", "clips.arrow"])
@pytest.mark.parametrize("use", ["facts", "info", "long_enough", "pack", "landmarks", "sheet"])
def test_whatever_reads_an_index_notices_that_it_was_cut_short(
    tmp_path: Path, put_clip: Callable[..., Path], name: str, use: str
) -> None:
    put_clip("frames/a/v/c")
    root, output = tmp_path / "frames", tmp_path / "cut.index"
    build_index(list_folder(root, 5), output, workers=1, tick=lambda done: None)
    index = FrameIndex(output)
    os.truncate(output / name, 8)
    uses: dict[str, Callable[[], object]] = {
        "facts": lambda: label_facts(index, np.array([0])),
        "info": lambda: index_info(index),
        "long_enough": lambda: clips_long_enough(index, lambda *_: True),
        "pack": lambda: pack_index(
            index, Packing(size=16, encoding="raw"), tmp_path / "p", workers=1, tick=print
        ),
        "landmarks": lambda: find_landmarks(index, Mock(), "spots", {}, workers=1, tick=print),
        "sheet": lambda: write_sheet(index, tmp_path / "sheet.png"),
    }
    with pytest.raises(UserError, match=f"{name}: "):
        uses[use]()


@pytest.mark.parametrize("name", ["images.bin", "frames.arrow"])
def test_a_packed_index_that_is_cut_short_while_it_is_open(
    tmp_path: Path, put_clip: Callable[..., Path], name: str
) -> None:
    put_clip("frames/a/v/c")
    root, output = tmp_path / "frames", tmp_path / "files.index"
    build_index(list_folder(root, 5), output, workers=1, tick=lambda done: None)
    packed = tmp_path / "packed.index"
    pack_index(FrameIndex(output), Packing(size=16, encoding="raw"), packed, workers=1, tick=print)
    dataset = FramesDataset(FramesOptions(index=packed, size=16), "train")
    dataset.read([0], [0])
    os.truncate(packed / name, 8)
    with pytest.raises(UserError, match=f"{name}: "):
        dataset.read([0], [0])
