"""A packed index on remote storage gives the same frames as the same index on this machine."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.storage import Storage, serving

from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.listing import list_tree
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing

Put = Callable[..., Path]


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
    build_index(root, list_tree(root, 5), 5, tmp_path / "faces.index", workers=1, tick=lambda done: None)
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


def test_an_index_of_image_files_is_rejected(storage: Storage, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"faces\.index") as caught:
        frames_of(f"{storage.url}/faces.index", tmp_path)
    assert "data pack" in str(caught.value.hint)


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
def bucket(indexes: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the index on an S3 server of this machine."""
    from fsspec import filesystem
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    storage = filesystem("s3")
    storage.mkdir("faces")
    storage.put(str(indexes / "packed.index"), "faces/packed.index", recursive=True)
    yield "s3://faces/packed.index"
    server.stop()


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
