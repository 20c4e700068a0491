"""Frames on remote storage are the same as on this machine, packed in an index or in folders."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.storage import Storage, serving
from helpers.storage import memory as memory
from helpers.storage import s3 as s3

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index import pack as pack_module
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing

Put = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def indexes(tmp_path: Path, put_image: Put) -> Path:
    """`faces.index`, which lists files, and `packed.index`: two identities with a clip of three frames."""
    random = np.random.default_rng(0)
    root = tmp_path / "frames"
    for clip in range(2):
        folder = root / f"id{clip}" / "v" / "c"
        for frame in range(3):
            put_image(folder / f"{frame}.jpg", random.integers(0, 256, (40, 40, 3), dtype=np.uint8))
        np.save(folder / "landmarks68.npy", random.uniform(0, 40, (3, 68, 2)))
    build_index(list_folder(root, 5), tmp_path / "faces.index", workers=1, tick=lambda done: None)
    packing = Packing(size=32, encoding="jpeg", quality=90)
    pack_index(
        FrameIndex(tmp_path / "faces.index"),
        packing,
        tmp_path / "packed.index",
        workers=1,
        tick=lambda done: None,
    )
    return tmp_path


@pytest.fixture
def storage(indexes: Path) -> Iterator[Storage]:
    with serving(indexes) as server:
        yield server


def frames_of(index: str | Path, tmp_path: Path, **options: object) -> FramesDataset:
    given = {"index": str(index), "size": 32, "cache": str(tmp_path / "cache"), **options}
    return FramesDataset(FramesOptions.model_validate(given), "train")


def test_the_same_frames_as_locally(storage: Storage, indexes: Path, tmp_path: Path) -> None:
    local = frames_of(indexes / "packed.index", tmp_path)
    there = frames_of(f"{storage.url}/packed.index", tmp_path)
    assert len(there) == len(local) == 2
    for dataset in (there, pickle.loads(pickle.dumps(there))):
        ours, expected = dataset.read([0, 1, 1], [2, 0, 1]), local.read([0, 1, 1], [2, 0, 1])
        assert torch.equal(ours.images, expected.images)
        assert torch.equal(ours.landmarks, expected.landmarks)
        assert ours.unreadable == expected.unreadable == {}


def test_the_facts_need_no_image(storage: Storage, tmp_path: Path) -> None:
    options = FramesOptions.model_validate(
        {"index": f"{storage.url}/packed.index", "cache": str(tmp_path / "cache")}
    )
    facts = options.facts()
    assert (facts.clips, facts.frames, facts.identities, facts.landmarks) == (2, 6, 2, True)
    assert "/packed.index/images.bin" not in storage.sent


def test_an_index_of_image_files_that_lie_beside_it(storage: Storage, indexes: Path, tmp_path: Path) -> None:
    there = frames_of(f"{storage.url}/faces.index", tmp_path)
    for dataset in (there, pickle.loads(pickle.dumps(there))):
        ours, expected = (
            data.read([0, 1, 1], [2, 0, 1])
            for data in (dataset, frames_of(indexes / "faces.index", tmp_path))
        )
        assert torch.equal(ours.images, expected.images)
        assert torch.equal(ours.landmarks, expected.landmarks)
    assert storage.sent["/frames/id1/v/c/0.jpg"] == (indexes / "frames/id1/v/c/0.jpg").stat().st_size
    (indexes / "frames/id1/v/c/2.jpg").unlink()
    missing = f"{storage.url}/frames/id1/v/c/2.jpg"
    assert there.read([1], [2]).unreadable == {0: f"{missing}: there is no such file"}


def pack_to(url: str, indexes: Path) -> int:
    return run(["data", "pack", str(indexes / "faces.index"), "-o", url, "--size", "32", "--jpeg", "90"])


def test_an_index_is_packed_for_remote_storage(
    memory: Any, indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("SSLTOOLBOX_CACHE", str(tmp_path / "shared"))
    assert pack_to("memory://packed.index", indexes) == 0
    assert "6 frames of 2 clips are in memory://packed.index" in capsys.readouterr().out
    names = sorted(path.name for path in (indexes / "packed.index").iterdir())
    assert sorted(memory.ls("/packed.index", detail=False)) == [f"/packed.index/{name}" for name in names]
    for name in set(names) - {"index.json"}:  # it names the root of the frames, relative to itself
        assert memory.cat(f"/packed.index/{name}") == (indexes / "packed.index" / name).read_bytes()
    assert list((tmp_path / "shared/remote/work").iterdir()) == []
    ours = frames_of("memory://packed.index", tmp_path).read([0, 1], [2, 0])
    assert torch.equal(ours.images, frames_of(indexes / "packed.index", tmp_path).read([0, 1], [2, 0]).images)
    assert pack_to("memory://packed.index", indexes) == 2
    assert "already there" in capsys.readouterr().err


def test_an_interrupted_copy_to_the_storage_is_resumed(
    memory: Any, indexes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLTOOLBOX_CACHE", str(tmp_path / "shared"))
    put, copied = type(memory).put_file, list[str]()

    def lose_the_connection(self: Any, local: str, *more: Any, **options: Any) -> None:
        if len(copied) == 3:
            raise ConnectionError("lost")
        copied.append(local)
        put(self, local, *more, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "put_file", lose_the_connection)
        assert pack_to("memory://packed.index", indexes) == 2
    assert not memory.exists("/packed.index/index.json")
    monkeypatch.setattr(pack_module._Packer, "to_shard", None)  # no frame is packed again
    assert pack_to("memory://packed.index", indexes) == 0
    assert len(frames_of("memory://packed.index", tmp_path)) == 2


def folder_at(root: str, tmp_path: Path) -> FramesOptions:
    return FramesOptions.model_validate({"root": root, "size": 32, "cache": str(tmp_path / "cache")})


def assert_same_folder(url: str, local: Path, tmp_path: Path) -> None:
    """The folder at a URL has the clips, frames and landmarks of a local folder."""
    there, here = folder_at(url, tmp_path), folder_at(str(local), tmp_path)
    assert there.facts() == here.facts()
    ours, theirs = FramesDataset(there, "train"), FramesDataset(here, "train")
    found, expected = ours.read([0, 1, 1], [2, 0, 1]), theirs.read([0, 1, 1], [2, 0, 1])
    assert torch.equal(found.images, expected.images)
    assert torch.equal(found.landmarks, expected.landmarks)
    for clip in range(2):
        assert ours.clip(clip).name == theirs.clip(clip).name
        np.testing.assert_array_equal(ours.clip(clip).landmarks, theirs.clip(clip).landmarks)


def test_a_folder_of_frames_at_a_url(memory: Any, indexes: Path, tmp_path: Path) -> None:
    memory.put(str(indexes / "frames"), "/faces", recursive=True)
    memory.pipe("/faces/id0/.hidden/c/1.jpg", b"")
    assert_same_folder("memory://faces", indexes / "frames", tmp_path)
    dataset = FramesDataset(folder_at("memory://faces", tmp_path), "train")
    memory.rm("/faces/id0/v/c/1.jpg")
    assert dataset.read([0], [1]).unreadable == {0: "memory://faces/id0/v/c/1.jpg: there is no such file"}


def test_a_url_without_clips(memory: Any, tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match="memory://gone"):
        folder_at("memory://gone", tmp_path).facts()
    memory.pipe("/faces/1.jpg", b"")
    with pytest.raises(UserError, match="<identity>"):
        folder_at("memory://faces", tmp_path).facts()


RECIPE = """\
recipe: 1
data: {{name: frames, index: "{url}", size: 32, cache: cache}}
backbone: {{name: resnet10t, options: {{channels: [8, 8, 8, 8], stem_width: 8}}}}
method: {{name: simclr, hidden_dim: 8}}
views: {{name: standard, size: 32}}
optim: {{name: adamw, lr: 1.0e-3, schedule: constant}}
trainer: {{steps: 2, batch_size: 2, workers: {workers}}}
evaluate: []
"""


@pytest.fixture
def bucket(s3: Any, indexes: Path) -> str:
    """The URL of the index on an S3 server of this machine."""
    for folder in ("packed.index", "frames"):
        s3.put(str(indexes / folder), f"faces/{folder}", recursive=True)
    return "s3://faces/packed.index"


def weights_after_training(folder: Path, index: str, workers: int) -> bytes:
    (folder / "remote.yaml").write_text(RECIPE.format(url=index, workers=workers))
    assert run(["train", str(folder / "remote.yaml"), "--out", str(folder / f"run{workers}")]) == 0
    return (folder / f"run{workers}" / "backbone.safetensors").read_bytes()


@pytest.mark.slow
def test_training_from_s3_equals_training_from_disk(
    bucket: str, indexes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(indexes)
    from_s3 = weights_after_training(indexes, bucket, workers=2)
    assert from_s3 == weights_after_training(indexes, "packed.index", workers=0)
    assert (indexes / "cache" / "blocks").is_dir()
    assert_same_folder("s3://faces/frames", indexes / "frames", indexes)
