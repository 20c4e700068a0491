"""Frames in tar files are those of the folders that they were made of, here and on remote storage."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import spots
from helpers.storage import Storage, serving
from helpers.storage import memory as memory
from helpers.videos import scene

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.drawing.draws import Drawer, Strategies
from ssltoolbox.data.frames.dataset import FramesDataset, shuffled_by_tars
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.tars import Tars
from ssltoolbox.support import remote as remote_module

Put = Callable[..., Path]
Capture = pytest.CaptureFixture[str]
FRAMES = 3


@pytest.fixture
def frames(tmp_path: Path, put_image: Put) -> Path:
    """Six identities with a clip of three frames and landmarks."""
    random = np.random.default_rng(0)
    root = tmp_path / "frames"
    for clip in range(6):
        folder = root / f"id{clip}" / "v" / "c"
        for frame in (1, 2, 4):
            pixels = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
            put_image(folder / f"{frame:07}.png", pixels)
        np.save(folder / "landmarks68.npy", random.uniform(0, 40, (FRAMES, 68, 2)))
    return root


def write_tars(frames: Path, folder: Path, name_of: Callable[[Path], str], clips_each: int = 2) -> Path:
    """Tar files of the clips, a few in each; the files of a clip are in reverse order."""
    folder.mkdir(parents=True)
    clips = sorted(frames.glob("*/*/*"))
    for number in range(0, len(clips), clips_each):
        with tarfile.open(folder / f"{number // clips_each}.tar", "w") as tar:
            for clip in clips[number : number + clips_each]:
                for file in sorted(clip.iterdir(), reverse=True):
                    tar.add(file, name_of(file.relative_to(frames)))
    return folder


def as_folders(path: Path) -> str:
    return f"./{path.as_posix()}"


def as_samples(path: Path) -> str:
    """`identity/video/clip.0000001.jpg`, as WebDataset names the files of a sample."""
    return f"{path.parent.as_posix()}.{path.name}"


def indexed(frames: str | Path, output: str | Path) -> None:
    assert run(["data", "index", str(frames), "-o", str(output), "--workers", "1"]) == 0


def dataset(index: str | Path, tmp_path: Path, **options: object) -> FramesDataset:
    given = {"index": str(index), "size": 32, "cache": str(tmp_path / "cache"), **options}
    return FramesDataset(FramesOptions.model_validate(given), "train")


def assert_same(one: FramesDataset, other: FramesDataset) -> None:
    assert len(one) == len(other)
    clips = [clip for clip in range(len(one)) for _ in range(FRAMES)]
    frames = list(range(FRAMES)) * len(one)
    read, expected = one.read(clips, frames), other.read(clips, frames)
    assert read.unreadable == {}
    assert torch.equal(read.images, expected.images)
    assert torch.equal(read.landmarks, expected.landmarks)
    for clip in range(len(one)):
        assert one.clip(clip).name == other.clip(clip).name
        np.testing.assert_array_equal(one.clip(clip).times, other.clip(clip).times)


@pytest.fixture
def shards(frames: Path, tmp_path: Path) -> Path:
    """Three tar files of two clips."""
    return write_tars(frames, tmp_path / "shards", as_folders)


@pytest.mark.parametrize("name_of", [as_folders, as_samples])
def test_frames_of_tar_files_are_those_of_folders(
    frames: Path, tmp_path: Path, name_of: Callable[[Path], str]
) -> None:
    write_tars(frames, tmp_path / "shards", name_of)
    indexed(tmp_path / "shards", tmp_path / "tar.index")
    indexed(frames, tmp_path / "folder.index")
    there = dataset(tmp_path / "tar.index", tmp_path)
    assert_same(there, dataset(tmp_path / "folder.index", tmp_path))
    assert there.clip(0).times.tolist() == pytest.approx([0, 0.24, 0.72])


def test_an_index_of_tar_files_can_be_packed_and_counted(
    shards: Path, tmp_path: Path, capsys: Capture
) -> None:
    indexed(shards, tmp_path / "tar.index")
    assert run(["data", "pack", str(tmp_path / "tar.index"), "-o", str(tmp_path / "p"), "--size", "32"]) == 0
    assert_same(dataset(tmp_path / "p", tmp_path), dataset(tmp_path / "tar.index", tmp_path))
    assert run(["data", "info", str(tmp_path / "tar.index")]) == 0
    assert "3 tar files" in capsys.readouterr().out


def test_landmarks_of_frames_in_tar_files(tmp_path: Path, put_image: Put) -> None:
    for clip in range(2):
        put_image(tmp_path / f"frames/id{clip}/v/c/1.png", scene((20 + 10 * clip, 30, 40)))
    write_tars(tmp_path / "frames", tmp_path / "shards", as_samples, clips_each=1)
    found = []
    for place in ("frames", "shards"):
        indexed(tmp_path / place, tmp_path / f"{place}.index")
        chosen = ["--detector", "spots", "--plugin", spots.__file__, "--workers", "1"]
        assert run(["data", "landmarks", str(tmp_path / f"{place}.index"), *chosen]) == 0
        landmarks = FrameIndex(tmp_path / f"{place}.index").landmarks
        assert landmarks is not None
        found.append(landmarks.read([0, 1]))
    assert np.isfinite(found[0]).all()
    np.testing.assert_array_equal(*found)


def test_a_tar_file_that_was_cut_short_has_the_clips_before_the_cut(
    shards: Path, tmp_path: Path, capsys: Capture
) -> None:
    content = (shards / "2.tar").read_bytes()
    with tarfile.open(shards / "2.tar") as tar:
        cut = next(member.offset_data for member in tar if "id5" in member.name) + 100
    (shards / "2.tar").write_bytes(content[:cut])
    indexed(shards, tmp_path / "tar.index")
    assert len(dataset(tmp_path / "tar.index", tmp_path)) >= 5
    assert "2.tar" in (tmp_path / "tar.index/skipped.csv").read_text()


def test_a_tar_file_that_is_not_the_indexed_one(shards: Path, tmp_path: Path) -> None:
    indexed(shards, tmp_path / "tar.index")
    (shards / "1.tar").write_bytes((shards / "0.tar").read_bytes() + b"\0" * 512)
    with pytest.raises(UserError, match=r"1\.tar: it has .* when it was indexed"):
        dataset(tmp_path / "tar.index", tmp_path)
    (shards / "1.tar").unlink()
    with pytest.raises(DataNotFound, match=r"1\.tar"):
        dataset(tmp_path / "tar.index", tmp_path)


def put_in_tar(path: Path, *names: str) -> None:
    with tarfile.open(path, "w") as tar:
        for name in names:
            tar.addfile(tarfile.TarInfo(name), io.BytesIO())


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"0.tar": ["a/v/c/1.png"], "1.tar": ["a/v/c/2.png"]}, r"a/v/c is in 0\.tar and in 1\.tar"),
        ({"0.tar": ["1.png", "readme.txt"]}, "no clip in 1 tar file"),
        ({"0.tar.gz": []}, r"0\.tar\.gz is compressed"),
    ],
)
def test_tar_files_that_can_t_be_used(
    tmp_path: Path, names: dict[str, list[str]], message: str, capsys: Capture
) -> None:
    (tmp_path / "shards").mkdir()
    for file, members in names.items():
        put_in_tar(tmp_path / "shards" / file, *members)
    assert run(["data", "index", str(tmp_path / "shards"), "-o", str(tmp_path / "i"), "--workers", "1"]) == 2
    assert re.search(message, capsys.readouterr().err.replace("\n", " "))
    assert not (tmp_path / "i").exists()


def test_an_index_whose_positions_are_wrong(shards: Path, tmp_path: Path) -> None:
    indexed(shards, tmp_path / "tar.index")
    header = tmp_path / "tar.index/index.json"
    content = json.loads(header.read_text())
    content["tars"]["0.tar"] = 1024
    header.write_text(json.dumps(content))
    with pytest.raises(UserError, match="a frame lies beyond its tar file"):
        FrameIndex(tmp_path / "tar.index")


def test_a_clip_name_that_leads_out_is_only_a_name(shards: Path, tmp_path: Path, put_image: Put) -> None:
    picture = put_image(tmp_path / "one.png", np.zeros((8, 8, 3), np.uint8))
    with tarfile.open(shards / "3.tar", "w") as tar:
        tar.add(picture, "../../x/v/c/1.png")
    indexed(shards, tmp_path / "tar.index")
    assert not (tmp_path.parent / "x").exists()


def test_tar_files_are_shuffled_a_few_at_a_time() -> None:
    shards = np.repeat(np.arange(10), 7)
    orders = [shuffled_by_tars(shards, 3, np.random.default_rng(seed)) for seed in (0, 1, 0)]
    assert sorted(orders[0].tolist()) == list(range(70))
    assert orders[0].tolist() == orders[2].tolist() != orders[1].tolist()
    groups = [set(shards[orders[0][start : start + 21]]) for start in range(0, 70, 21)]
    assert [len(group) for group in groups] == [3, 3, 3, 1]
    assert set.union(*groups) == set(range(10))
    assert len(set(shards[orders[0][:10]])) > 1


def test_an_epoch_takes_tar_files_in_turn(shards: Path, tmp_path: Path) -> None:
    indexed(shards, tmp_path / "tar.index")
    data = dataset(tmp_path / "tar.index", tmp_path, shuffle_tars=1)

    def drawn(epoch: int) -> list[int]:
        draws = Drawer(data, Strategies(), seed=0, stride=1)
        return [draws.draw(epoch, number).clips[0] // 2 for number in range(6)]

    epochs = [drawn(epoch) for epoch in range(4)]
    assert all(epoch[::2] == epoch[1::2] and sorted(epoch[::2]) == [0, 1, 2] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1
    assert drawn(3) == epochs[3]


@pytest.fixture
def served(tmp_path: Path, put_image: Put) -> Iterator[tuple[Storage, int]]:
    """A server of six tar files and their index, and the bytes of all tar files."""
    random = np.random.default_rng(0)
    for clip in range(24):
        put_image(
            tmp_path / f"frames/id{clip}/v/c/1.png", random.integers(0, 256, (200, 200, 3), dtype=np.uint8)
        )
    folder = write_tars(tmp_path / "frames", tmp_path / "served/shards", as_folders, clips_each=4)
    indexed(folder, tmp_path / "served/tar.index")
    with serving(tmp_path / "served") as storage:
        yield storage, sum(file.stat().st_size for file in folder.iterdir())


def test_a_bounded_shuffle_reads_each_part_once_with_a_small_cache(
    served: tuple[Storage, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cache holds about three of the six tar files."""
    storage, size = served
    monkeypatch.setattr(remote_module, "BLOCK", 2**15)
    read = {}
    for name, bound in (("bounded", {"shuffle_tars": 1}), ("all at once", {})):
        storage.sent.clear()
        options = {"cache": str(tmp_path / name), "cache_gib": size / 2 / 2**30}
        data = dataset(f"{storage.url}/tar.index", tmp_path, **bound, **options)
        for clip in data.order(np.random.default_rng(0)).tolist():
            assert data.read([clip], [0]).unreadable == {}
        read[name] = sum(sent for path, sent in storage.sent.items() if path.endswith(".tar"))
    assert read["bounded"] <= size < read["all at once"]


def test_shuffling_by_tar_files_needs_tar_files(frames: Path, tmp_path: Path, capsys: Capture) -> None:
    indexed(frames, tmp_path / "folder.index")
    (tmp_path / "r.yaml").write_text(RECIPE.format(index="folder.index", workers=0, steps=1))
    assert run(["check", str(tmp_path / "r.yaml")]) == 2
    assert "shuffle_tars" in capsys.readouterr().err


RECIPE = """\
recipe: 1
data: {{name: frames, index: "{index}", size: 32, cache: cache, shuffle_tars: 2}}
backbone: {{name: resnet10t, options: {{channels: [8, 8, 8, 8], stem_width: 8}}}}
method: {{name: simclr, hidden_dim: 8}}
views: {{name: standard, size: 32}}
optim: {{name: adamw, lr: 1.0e-3, schedule: constant}}
trainer: {{steps: {steps}, batch_size: 2, workers: {workers}, checkpoint_steps: 2}}
evaluate: []
"""


@pytest.mark.slow
def test_a_run_on_remote_tar_files_resumes_exactly(
    memory: Any, shards: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that is interrupted within an epoch ends with the weights of one on local tar files that was not."""
    monkeypatch.chdir(tmp_path)
    indexed("shards", "tar.index")
    for name in ("shards", "tar.index"):
        memory.put(name, f"/{name}", recursive=True)
    for name, index in (("local", "tar.index"), ("remote", "memory://tar.index")):
        (tmp_path / f"{name}.yaml").write_text(RECIPE.format(index=index, workers=0, steps=8))
    assert run(["train", "local.yaml", "--out", "local"]) == 0

    from ssltoolbox.data.index import source as source_module

    read, images = source_module.read_image, list[str]()

    def interrupted(path: str, *more: Any) -> Any:
        images.append(path)
        if len(images) == 12:
            os.kill(os.getpid(), signal.SIGTERM)
        return read(path, *more)

    with monkeypatch.context() as patch:
        patch.setattr(source_module, "read_image", interrupted)
        assert run(["train", "remote.yaml", "--out", "remote"]) == 130
    assert images[0].startswith("memory://shards/")
    assert run(["train", "remote.yaml", "--out", "remote", "--resume"]) == 0
    local, remote = (Path(name, "backbone.safetensors").read_bytes() for name in ("local", "remote"))
    assert local == remote


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SSLTOOLBOX_CACHE", str(tmp_path / "shared"))
    return tmp_path / "shared"


@pytest.mark.parametrize("kind", ["frames", "shards"])
def test_an_index_of_a_folder_at_a_url(
    memory: Any, frames: Path, shards: Path, tmp_path: Path, cache: Path, kind: str
) -> None:
    """Made from a URL for a URL, its files are those that are made on this machine."""
    memory.put(str(tmp_path / kind), f"/data/{kind}", recursive=True)
    indexed(f"memory://data/{kind}", "memory://data/x.index")
    indexed(tmp_path / kind, tmp_path / "x.index")
    for file in (tmp_path / "x.index").iterdir():
        assert memory.cat(f"/data/x.index/{file.name}") == file.read_bytes()
    assert_same(
        dataset("memory://data/x.index", tmp_path), dataset(tmp_path / "x.index", tmp_path, cache=None)
    )
    indexed(f"memory://data/{kind}", tmp_path / "near.index")
    assert FrameIndex(tmp_path / "near.index").header.root == f"memory://data/{kind}"
    assert_same(dataset(tmp_path / "near.index", tmp_path), dataset(tmp_path / "x.index", tmp_path))


def test_an_index_at_a_url_of_frames_on_this_machine(
    memory: Any, frames: Path, tmp_path: Path, cache: Path
) -> None:
    indexed(frames, "memory://x.index")
    indexed(frames, tmp_path / "x.index")
    assert_same(dataset("memory://x.index", tmp_path), dataset(tmp_path / "x.index", tmp_path))
    frames.rename(tmp_path / "elsewhere")
    with pytest.raises(DataNotFound, match=r"/frames: .*memory://x\.index says"):
        dataset("memory://x.index", tmp_path)


def test_members_are_found_from_the_headers_alone(shards: Path) -> None:
    from ssltoolbox.data.images.roots import ImageRoot

    clips = [clip for clip, _ in Tars(ImageRoot(shards), ["0.tar"]).clips(5)]
    assert [(clip.identity, clip.video, clip.clip) for clip in clips] == [
        ("id0", "v", "c"),
        ("id1", "v", "c"),
    ]
    assert clips[0].paths == [f"0.tar/id0/v/c/{frame:07}.png" for frame in (1, 2, 4)]
