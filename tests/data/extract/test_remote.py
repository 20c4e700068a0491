"""Videos that are extracted to remote storage give the tree that they give on this machine."""

from __future__ import annotations

import tarfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers import spots
from helpers.storage import memory as memory
from helpers.storage import s3 as s3
from helpers.videos import scene, write_video

from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run
from ssltoolbox.data.extract import folder as folder_module
from ssltoolbox.data.extract.folder import VideoResult, extract_videos
from ssltoolbox.data.extract.video import Cropping
from ssltoolbox.data.extract.videos import find_videos
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions
from ssltoolbox.plan.detector import DetectorMaker
from ssltoolbox.support.remote import RemoteCache, RemoteFolder

CROPPING = Cropping(fps=Fraction(5), size=32, scale=1.6, cut=0.35, lost=0, min_seconds=1)
URL = "memory://frames"


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Two videos with a face and one without."""
    for place, name in enumerate(("id1/a.mov", "id1/b.mov")):
        frames = [scene((20 + 10 * place + step, 30, 40)) for step in range(6)]
        write_video(tmp_path / "videos" / name, frames, 5)
    write_video(tmp_path / "videos/id2/empty.mov", [scene() for _ in range(6)], 5)
    return tmp_path / "videos"


def extract(videos: Path, output: Path | RemoteFolder, size: int = 32) -> list[VideoResult]:
    maker = DetectorMaker("spots", (), (Path(spots.__file__),))
    cropping, found = replace(CROPPING, size=size), find_videos([videos])
    return extract_videos(
        found, output, cropping, maker, {"name": "spots"}, workers=1, tick=lambda done: None
    )


def there(tmp_path: Path, cache: str = "cache") -> RemoteFolder:
    return RemoteCache(tmp_path / cache).folder(URL)


def files_of(memory: Any, tree: Path) -> dict[str, bytes]:
    """Path below the root → content of the files at the URL, if the local tree has the same ones."""
    found = {path.removeprefix("/frames/"): memory.cat(path) for path in memory.find("/frames")}
    local = {path.relative_to(tree).as_posix(): path for path in tree.rglob("*") if path.is_file()}
    assert set(found) == {name for name in local if not name.endswith(".lock")}
    return found


def test_the_tree_has_the_same_bytes_as_locally(memory: Any, videos: Path, tmp_path: Path) -> None:
    assert extract(videos, there(tmp_path)) == extract(videos, tmp_path / "local")
    for name, content in files_of(memory, tmp_path / "local").items():
        assert content == (tmp_path / "local" / name).read_bytes(), name
    assert list((tmp_path / "cache/work").iterdir()) == []


def test_an_interrupted_extraction_is_resumed_on_any_machine(
    memory: Any, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, copied = type(memory).put, list[int]()

    def lose_the_connection(self: Any, local: Any, remote: Any, **options: Any) -> None:
        if copied:
            put(self, local[:2], remote[:2], **options)
            raise ConnectionError("lost")
        copied.append(len(local))
        put(self, local, remote, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(memory), "put", lose_the_connection)
        with pytest.raises(UserError, match="written to: lost"):
            extract(videos, there(tmp_path))
    assert copied == [7]
    done: list[str] = []
    once = folder_module.extract_video

    def recorded(detector: Any, path: Path, *more: Any) -> Any:
        done.append(path.name)
        return once(detector, path, *more)

    monkeypatch.setattr(folder_module, "extract_video", recorded)
    extract(videos, there(tmp_path, cache="other machine"))
    assert done == ["b.mov", "empty.mov"]
    extract(videos, tmp_path / "local")
    for name, content in files_of(memory, tmp_path / "local").items():
        assert content == (tmp_path / "local" / name).read_bytes(), name
    done.clear()
    extract(videos, there(tmp_path))
    assert done == []


def test_other_content_and_other_settings_are_refused(memory: Any, videos: Path, tmp_path: Path) -> None:
    extract(videos, there(tmp_path))
    with pytest.raises(UserError, match=r"memory://frames .*size 32 there, 48 now"):
        extract(videos, there(tmp_path), size=48)
    memory.rm("/frames", recursive=True)
    memory.pipe("/frames/notes.txt", b"mine")
    with pytest.raises(UserError, match="memory://frames is not empty"):
        extract(videos, there(tmp_path))
    assert memory.find("/frames") == ["/frames/notes.txt"]


def test_from_videos_to_an_index_at_urls(
    memory: Any,
    videos: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SSLTOOLBOX_CACHE", str(tmp_path / "shared"))
    chosen = ["--detector", "spots", "--plugin", spots.__file__, "--fps", "5", "--min-seconds", "1"]
    where = ["--workers", "1", "-o"]
    assert run(["data", "extract", str(videos), *chosen, *where, URL]) == 0
    assert "12 frames of 2 clips of 3 videos are in memory://frames" in capsys.readouterr().out
    assert run(["data", "index", URL, "--fps", "5", *where, "memory://faces.index"]) == 0
    assert "12 frames of 2 clips are in memory://faces.index" in capsys.readouterr().out
    assert b'"root": "frames"' in memory.cat("/faces.index/index.json")


@pytest.mark.slow
def test_from_videos_on_disk_to_frames_and_tar_files_on_s3(
    s3: Any, videos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLTOOLBOX_CACHE", str(tmp_path / "shared"))
    monkeypatch.chdir(tmp_path)
    extract(videos, Path("frames"))
    there = RemoteCache(tmp_path / "cache").folder("s3://faces/frames")
    for _ in range(2):
        assert len(extract(videos, there)) == 3
    files = [path for path in Path("frames").rglob("*") if path.is_file() and path.name != ".lock"]
    assert sorted(s3.find("faces/frames")) == sorted(f"faces/{path}" for path in files)
    assert all(s3.cat(f"faces/{path}") == path.read_bytes() for path in files)
    with tarfile.open("0.tar", "w") as tar:
        tar.add("frames/id1", "id1")
    s3.put("0.tar", "faces/tars/0.tar")
    read = []
    for place in ("frames", "tars"):
        url = f"s3://faces/{place}.index"
        command = ["data", "index", f"s3://faces/{place}", "-o", url, "--fps", "5", "--workers", "1"]
        assert run(command) == 0
        options = FramesOptions.model_validate({"index": url, "size": 32, "cache": str(tmp_path / "c")})
        read.append(FramesDataset(options, "train").read([0, 1, 1], [0, 5, 2]))
    assert read[0].unreadable == {}
    assert torch.equal(read[0].images, read[1].images)
    assert torch.equal(read[0].landmarks, read[1].landmarks)
