"""The bytes are the same for shards, and for a cluster."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import spots
from helpers.trees import same_files

from ssltoolbox.api import UserError
from ssltoolbox.data.index import build as build_module
from ssltoolbox.data.index import detect as detect_module
from ssltoolbox.data.index import pack as pack_module
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.detect import find_landmarks
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.pack import pack_index
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.schema import Packing
from ssltoolbox.plan.detector import DetectorMaker
from ssltoolbox.support.clusters import Cluster
from ssltoolbox.support.shard import Shard

Put = Callable[..., Path]
RAW = Packing(size=16, encoding="raw")
SHARDS = [Shard(number, 3) for number in (3, 1, 2)]


@pytest.fixture
def root(tmp_path: Path, put_clip: Put, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six clips in three blocks; one file is damaged, one clip has landmarks."""
    for module in (build_module, pack_module, detect_module):
        monkeypatch.setattr(module, "BLOCK", 8)
    for clip in range(6):
        put_clip(f"frames/id{clip}/v/c", [f"{frame}.png" for frame in range(4)])
    np.save(tmp_path / "frames/id1/v/c/landmarks68.npy", np.full((4, 68, 2), 3.0))
    os.truncate(tmp_path / "frames/id2/v/c/1.png", 4)
    return tmp_path / "frames"


def index(root: Path, name: str, workers: int | Cluster = 1, shard: Shard | None = None) -> Path:
    output = root.with_name(name)
    done: list[int] = []
    build_index(list_folder(root, 5), output, workers=workers, tick=done.append, shard=shard)
    assert sum(done) == 24
    return output


def pack(of: Path, name: str, workers: int | Cluster = 1, shard: Shard | None = None) -> Path:
    output = of.with_name(name)
    pack_index(FrameIndex(of), RAW, output, workers=workers, tick=lambda done: None, shard=shard)
    return output


def detect(of: Path, workers: int | Cluster = 1, shard: Shard | None = None) -> None:
    maker = DetectorMaker("spots", (), (Path(spots.__file__),))
    find_landmarks(FrameIndex(of), maker, "spots", {}, workers=workers, tick=lambda done: None, shard=shard)


def test_shards_give_the_same_bytes(root: Path) -> None:
    whole = index(root, "whole.index")
    for shard in SHARDS:
        assert not index(root, "shards.index", shard=shard).exists()
    same_files(index(root, "shards.index"), whole)
    packed = pack(whole, "packed.index")
    for shard in SHARDS:
        pack(whole, "shards-packed.index", shard=shard)
    same_files(pack(whole, "shards-packed.index"), packed)
    for shard in SHARDS:
        detect(root.with_name("shards.index"), shard=shard)
    detect(root.with_name("shards.index"))
    detect(whole)
    same_files(root.with_name("shards.index"), whole)


def test_shards_copy_the_images_once_all_are_done(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack_module, "COPIED", 1)
    whole = index(root, "whole.index")
    left: list[int] = []
    for shard in [*SHARDS, *SHARDS]:
        pack(whole, "shards.index", shard=shard)
        left.append(len(list(root.with_name(".shards.index.part").glob("shards/*.bin"))))
    assert left == [1, 2, 2, 1, 0, 0]
    same_files(pack(whole, "shards.index"), pack(whole, "packed.index"))


def test_what_shards_have_done_is_not_done_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for shard in SHARDS:
        index(root, "shards.index", shard=shard)
    monkeypatch.setattr(build_module, "_scan_to_shard", None)
    index(root, "shards.index")


def test_what_a_shard_has_not_done_is_done_at_the_end(root: Path) -> None:
    index(root, "shards.index", shard=SHARDS[0])
    same_files(index(root, "shards.index"), index(root, "whole.index"))


def test_shards_of_other_options_are_refused(root: Path) -> None:
    index(root, "shards.index", shard=SHARDS[0])
    with pytest.raises(UserError, match="other options"):
        build_index(
            list_folder(root, 10),
            root.with_name("shards.index"),
            workers=1,
            tick=print,
            shard=SHARDS[1],
        )
    assert list(root.with_name(".shards.index.part").glob("shards/*.arrow"))


@pytest.mark.slow
def test_a_cluster_gives_the_same_bytes(
    root: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root.parent)
    there = index(Path("frames"), "there.index", cluster)
    packed = pack(there, "there-packed.index", cluster)
    detect(there, cluster)
    here = index(root, "here.index")
    same_files(packed, pack(here, "here-packed.index"))
    detect(here)
    same_files(there, here)
