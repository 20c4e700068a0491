"""An index holds what its frames are, and the same frames give the same bytes."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from helpers.golden import Golden
from helpers.trees import same_files

from ssltoolbox.api import UserError
from ssltoolbox.data.images.files import Extent
from ssltoolbox.data.index import build as build_module
from ssltoolbox.data.index.build import Built, build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.listing import ClipListing, ListedClip, list_tree
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.support.paths import NOT_UTF8, RENAME, printable

Put = Callable[..., Path]
FPS = 25 / 6


def indexed(root: Path, output: Path, workers: int = 1) -> Built:
    return build_index(list_folder(root, FPS), output, workers=workers, tick=lambda done: None)


@pytest.fixture
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out") / "vox1.index"


def test_an_index_lists_clips_and_frames_in_natural_order(
    tmp_path: Path, put_clip: Put, output: Path
) -> None:
    put_clip("id2/v/c2", ["0000001.png", "0000002.png", "0000004.png"], size=(20, 10))
    put_clip("id10/v/c1", ["9.png", "10.png"])
    built = indexed(tmp_path, output)
    assert built == Built(2, 5, [])
    index = FrameIndex(output)
    assert index.identity_names == ["id2", "id10"]
    assert [index.clip_name(clip) for clip in range(2)] == ["id2/v/c2", "id10/v/c1"]
    assert index.starts.tolist() == [0, 3]
    assert index.lengths.tolist() == [3, 2]
    np.testing.assert_allclose(index.times * FPS, [0, 1, 3, 0, 1])
    assert index.heights.tolist() == [10] * 3 + [16] * 2
    assert index.widths.tolist() == [20] * 3 + [16] * 2
    assert index.frame_path(4) == str(tmp_path / "id10/v/c1/10.png")
    assert index.landmarks is None
    assert index.labels == {}


def test_landmarks_beside_frames_are_taken_up(tmp_path: Path, put_clip: Put, output: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 16, (3, 68, 2)).astype(np.float32)
    points[1, 5] = np.nan
    np.save(put_clip("id1/v/c") / "landmarks68.npy", points)
    put_clip("id2/v/c", ["1.png"])
    indexed(tmp_path, output)
    landmarks = FrameIndex(output).landmarks
    assert landmarks is not None
    assert landmarks.detector == "landmarks68.npy"
    assert landmarks.valid.tolist() == [True, False, True, False]
    np.testing.assert_array_equal(landmarks.read([2, 0]), points[[2, 0]])
    assert np.isnan(landmarks.read([1, 3])).all()


def test_files_that_cannot_be_used_are_recorded(tmp_path: Path, put_clip: Put, output: Path) -> None:
    clip = put_clip("id1/v/c", ["1.png", "2.png", "3.png"])
    (clip / "2.png").write_bytes(b"")
    points = np.arange(3 * 136).reshape(3, 68, 2)
    np.save(clip / "landmarks68.npy", points)
    np.save(put_clip("id2/v/c", ["1.png"]) / "landmarks68.npy", points)
    (put_clip("id3/v/c", ["1.png"]) / "1.png").write_bytes(b"")
    put_clip(os.fsdecode(b"id\xe9/v/c"), ["1.png"])
    built = indexed(tmp_path, output)
    told = {"id1/v/c/2.png": "empty", "id2/v/c/landmarks68.npy": "[3, 68, 2]", "id3/v/c/1.png": "empty"}
    told[r"id\udce9/v/c/1.png"] = NOT_UTF8
    assert [path for path, _ in built.skipped] == list(told)
    assert [reason for path, reason in built.skipped if told[path] not in reason] == []
    with (output / "skipped.csv").open(newline="") as file:
        assert list(csv.reader(file)) == [["path", "reason"], *map(list, built.skipped)]
    index = FrameIndex(output)
    assert index.identity_names == ["id1", "id2"]
    assert index.landmarks is not None
    np.testing.assert_array_equal(index.landmarks.read([0, 1]), points[[0, 2]])
    assert index.landmarks.valid.tolist() == [True, True, False]


def test_an_index_without_readable_images_is_an_error(tmp_path: Path, put_clip: Put, output: Path) -> None:
    (put_clip("id1/v/c", ["1.png"]) / "1.png").write_bytes(b"")
    with pytest.raises(UserError) as caught:
        indexed(tmp_path, output)
    assert "none of 1 file could" in str(caught.value)
    assert "id1/v/c/1.png: empty" in str(caught.value)
    assert not output.exists()


def test_an_index_is_never_overwritten(tmp_path: Path, put_clip: Put, output: Path, golden: Golden) -> None:
    put_clip("id1/v/c")
    output.mkdir()
    with pytest.raises(UserError) as caught:
        indexed(tmp_path, output)
    golden(str(caught.value))


def test_an_index_beside_its_frames_moves_with_them(tmp_path: Path, put_clip: Put) -> None:
    put_clip("here/frames/id1/v/c", ["1.png"])
    indexed(tmp_path / "here/frames", tmp_path / "here/vox1.index")
    (tmp_path / "here").rename(tmp_path / "there")
    index = FrameIndex(tmp_path / "there/vox1.index")
    assert index.header.root == "frames"
    assert index.frame_path(0) == str(tmp_path / "there/frames/id1/v/c/1.png")


@pytest.fixture
def many(tmp_path: Path, put_clip: Put, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Six clips in three blocks, two with landmarks."""
    monkeypatch.setattr(build_module, "BLOCK", 8)
    for clip in range(6):
        folder = put_clip(f"id{clip}/v/c", [f"{frame}.png" for frame in range(4)])
        if clip % 3 == 0:
            np.save(folder / "landmarks68.npy", np.full((4, 68, 2), clip))
    return tmp_path


def test_workers_and_runs_give_the_same_bytes(many: Path, output: Path) -> None:
    other = output.with_name("other.index")
    indexed(many, output)
    indexed(many, other, workers=2)
    same_files(output, other)


def test_what_was_interrupted_goes_on(many: Path, output: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = ClipListing(many, FPS, list(list_tree(many, FPS)))
    seen: list[int] = []

    def stop_after_two(done: int) -> None:
        seen.append(done)
        if sum(seen) == 16:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(listing, output, workers=1, tick=stop_after_two)
    assert not output.exists()
    again: list[int] = []
    build_index(listing, output, workers=1, tick=again.append)
    assert again == [16, 8]
    assert list(output.parent.iterdir()) == [output]
    other = output.with_name("other.index")
    indexed(many, other)
    same_files(output, other)


def test_shards_of_other_frames_are_not_used(many: Path, output: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        build_index(list_folder(many, FPS), output, workers=1, tick=_interrupt_after(16))
    again: list[int] = []
    build_index(list_folder(many, 5), output, workers=1, tick=again.append)
    assert again[0] == 0
    assert FrameIndex(output).times[1] == 0.2


def _interrupt_after(frames: int) -> Callable[[int], None]:
    left = [frames]

    def tick(done: int) -> None:
        left[0] -= done
        if left[0] <= 0:
            raise KeyboardInterrupt

    return tick


def test_two_at_once_are_refused(many: Path, output: Path) -> None:
    listing = ClipListing(many, FPS, list(list_tree(many, FPS)))

    def start_another(done: int) -> None:
        with pytest.raises(UserError, match=r"\.vox1\.index\.part is in use"):
            build_index(listing, output, workers=1, tick=lambda done: None)

    build_index(listing, output, workers=1, tick=start_another)


@pytest.mark.slow
def test_killed_with_its_workers(tmp_path: Path, put_clip: Put, output: Path) -> None:
    """SIGKILL: no process stays, and the next run gives what one in peace gives."""
    for clip in range(6):
        folder = put_clip(f"id{clip}/v/c", ["0.png"])
        for frame in range(1, 4096):
            os.link(folder / "0.png", folder / f"{frame}.png")
    command = [sys.executable, "-m", "ssltoolbox", "data", "index", str(tmp_path), "-o", str(output)]
    process = subprocess.Popen([*command, "--workers", "2"], start_new_session=True)
    work = output.with_name(".vox1.index.part")
    while process.poll() is None and not list(work.glob("shards/*.arrow")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and _alive(process.pid):
        time.sleep(0.1)
    assert not _alive(process.pid)
    assert not output.exists()
    subprocess.run([*command, "--workers", "2"], check=True, capture_output=True)
    other = output.with_name("other.index")
    indexed(tmp_path, other)
    same_files(output, other)


def _alive(session: int) -> bool:
    """Whether a process of that session is left."""
    found = subprocess.run(["ps", "-o", "stat=", "-s", str(session)], capture_output=True, text=True)
    return any(not state.startswith("Z") for state in found.stdout.split())


@pytest.mark.parametrize(("frames", "output"), [(b"frames", b"\xff.index"), (b"\xff", b"i.index")])
def test_folders_whose_names_are_not_utf8(
    put_clip: Put, tmp_path: Path, frames: bytes, output: bytes
) -> None:
    root, index = (tmp_path / os.fsdecode(name) for name in (frames, output))
    put_clip(f"{root.name}/id1/v/c")
    wrong = root if frames == b"\xff" else index
    with pytest.raises(UserError) as caught:
        build_index(list_folder(root, 5), index, workers=1, tick=lambda done: None)
    assert str(caught.value) == f"{printable(wrong)}: {NOT_UTF8}; {RENAME}"
    assert sorted(path.name for path in tmp_path.iterdir()) == [root.name]


def grown(clips: int, root: Path, output: Path) -> int:
    """Bytes that an index of so many clips of 64 frames takes at once, beyond those of before."""

    def listed() -> Iterator[ListedClip]:
        for clip in range(clips):
            paths = [f"id{clip:06}/v/c/{frame:07}.png" for frame in range(64)]
            yield ListedClip(f"id{clip:06}", "v", "c", paths, np.arange(64), np.arange(64) / 5)

    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    tracemalloc.start()
    try:
        built = build_index(ClipListing(root, 5, listed()), output, workers=1, tick=lambda done: None)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        pa.set_memory_pool(before)
    assert built is not None
    assert built.frames == 64 * clips
    return peak + int(pool.max_memory())


def test_memory_does_not_grow_with_the_frames(
    tmp_path: Path, output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No frame is kept: a path alone has more bytes than what one more frame takes."""
    monkeypatch.setattr(build_module, "BLOCK", 512)
    monkeypatch.setattr(build_module, "read_extent", lambda path, content: Extent(16, 16))
    grown(16, tmp_path, output.with_name("first.index"))  # what is imported and cached at first use
    few, many = (grown(clips, tmp_path, output.with_name(f"{clips}.index")) for clips in (50, 250))
    assert (many - few) / (64 * 200) < 8


def test_an_index_whose_name_is_not_utf8(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{NOT_UTF8}; {RENAME}"):
        FrameIndex(tmp_path / os.fsdecode(b"\xff.index"))
