"""A packed index gives what its frames gave, resized once, and survives being interrupted."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pytest
import torch
from helpers.trees import same_files
from PIL import Image

from ssltoolbox.api import UserError
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index import pack as pack_module
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import FRAMES, FRAMES_FILE, LABELS, Packing, map_table, write_table

Put = Callable[..., Path]
RAW = Packing(size=32, encoding="raw")
JPEG = Packing(size=32, encoding="jpeg", quality=90)


@pytest.fixture
def index(tmp_path: Path, put_image: Put) -> Path:
    """Three persons with a clip of four photos; frame 1 of the second is damaged, the third all of them."""
    random = np.random.default_rng(0)
    for clip in range(3):
        folder = tmp_path / "frames" / f"id{clip}" / "v" / "c"
        for frame in range(4):
            small = Image.fromarray(random.integers(0, 256, (6, 5, 3), dtype=np.uint8))
            put_image(folder / f"{frame}.jpg", np.asarray(small.resize((60, 48))))
        np.save(folder / "landmarks68.npy", random.uniform(0, 48, (4, 68, 2)))
    output = tmp_path / "vox1.index"
    root = tmp_path / "frames"
    build_index(list_folder(root, 5), output, workers=1, tick=lambda done: None)
    for name in ("id1/v/c/1.jpg", *(f"id2/v/c/{frame}.jpg" for frame in range(4))):
        os.truncate(root / name, 200)
    frames = map_table(output / FRAMES_FILE, FRAMES)
    write_table(
        output / FRAMES_FILE, frames.append_column("expression", pa.array(range(12), LABELS["expression"]))
    )
    return output


def packed(
    index: Path,
    packing: Packing,
    name: str = "packed.index",
    tick: Callable[[int], object] = lambda done: None,
) -> Path:
    output = index.with_name(name)
    pack_index(FrameIndex(index), packing, output, workers=1, tick=tick)
    return output


def opened(index: Path, size: int = 32) -> FramesDataset:
    return FramesDataset(FramesOptions(index=index, size=size), "train")


@pytest.mark.parametrize(("packing", "tolerance"), [(RAW, 0), (JPEG, 6)])
def test_a_packed_index_gives_the_images_of_the_files(
    index: Path, packing: Packing, tolerance: float
) -> None:
    expected = opened(index).read([0, 1, 1], [3, 2, 3])
    found = opened(packed(index, packing)).read([0, 1, 1], [3, 1, 2])
    difference = (found.images.int() - expected.images.int()).abs().float()
    assert difference.mean() <= tolerance
    torch.testing.assert_close(found.landmarks, expected.landmarks)
    assert found.labels["expression"].tolist() == [3, 6, 7]


def test_other_sizes_are_resized(index: Path) -> None:
    found = opened(packed(index, RAW), size=16).read([0], [0])
    expected = opened(index, size=16).read([0], [0])
    assert (found.images.int() - expected.images.int()).abs().float().mean() < 4
    torch.testing.assert_close(found.landmarks, expected.landmarks)


def test_the_files_are_no_longer_needed(index: Path) -> None:
    output = packed(index, RAW)
    (index.parent / "frames").rename(index.parent / "gone")
    options = FramesOptions(index=output, size=32)
    facts = options.facts()
    assert (facts.clips, facts.frames, facts.landmarks, facts.labels) == (2, 7, True, {"expression"})
    assert not FramesDataset(options, "train").read([0], [0]).unreadable


def test_unreadable_images_are_left_out_and_recorded(index: Path) -> None:
    output = index.with_name("packed.index")
    built = pack_index(FrameIndex(index), RAW, output, workers=1, tick=lambda done: None)
    assert (built.clips, built.frames) == (2, 7)
    assert [path for path, _ in built.skipped] == ["id1/v/c/1.jpg", *(f"id2/v/c/{n}.jpg" for n in range(4))]
    assert {reason for _, reason in built.skipped} == {"Truncated File Read"}
    frames = FrameIndex(output)
    assert frames.lengths.tolist() == [4, 3]
    np.testing.assert_allclose(frames.times[4:], [0, 0.4, 0.6])
    assert frames.heights.tolist() == [32] * 7


def test_interrupted_anywhere_it_gives_the_same_bytes(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_module, "BLOCK", 4)
    expected = packed(index, JPEG, "peace.index")

    def stop(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    for _ in range(3):
        with pytest.raises(KeyboardInterrupt):
            packed(index, JPEG, tick=stop)
    copyfileobj, copies = pack_module.shutil.copyfileobj, []

    def stop_in_the_second(source: BinaryIO, target: BinaryIO, length: int) -> None:
        copies.append(source)
        copyfileobj(source, target, length)
        if len(copies) == 2:
            target.write(b"half of the next")
            raise KeyboardInterrupt

    monkeypatch.setattr(pack_module.shutil, "copyfileobj", stop_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        packed(index, JPEG)
    same_files(packed(index, JPEG), expected)


def test_images_that_are_cut_short_are_refused(index: Path) -> None:
    output = packed(index, RAW)
    size = (output / "images.bin").stat().st_size
    os.truncate(output / "images.bin", size - 1)
    with pytest.raises(UserError) as caught:
        opened(output).read([0], [0])
    assert str(caught.value).startswith(f"{output}/images.bin: {size - 1} bytes ")
