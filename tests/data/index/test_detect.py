"""Every frame's landmarks come into the index, once, whatever happens in between."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers import spots
from helpers.golden import Golden
from helpers.trees import same_files
from PIL import Image

from ssltoolbox.api import DataNotFound, UserError
from ssltoolbox.data.index import detect as detect_module
from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.detect import Found, find_landmarks
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.plan.detector import DetectorMaker

FILE = Path(spots.__file__)
Put = Callable[..., Path]


def face(left: int = 4, top: int = 6, side: int = 12) -> np.ndarray:
    """[48, 64, 3] a red square on grey."""
    image = np.full((48, 64, 3), 120, dtype=np.uint8)
    image[top : top + side, left : left + side] = (220, 20, 20)
    return image


@pytest.fixture
def index(tmp_path: Path, put_image: Put) -> FrameIndex:
    """Three clips of four frames; the third frame of each has no face."""
    for clip in range(3):
        for frame in range(4):
            pixels = face(left=4 + 4 * clip + frame) if frame != 2 else np.full((48, 64, 3), 120, np.uint8)
            put_image(tmp_path / f"frames/id{clip}/v/c/{frame}.png", pixels)
    root = tmp_path / "frames"
    build_index(list_folder(root, 5), tmp_path / "v.index", workers=1, tick=lambda done: None)
    return FrameIndex(tmp_path / "v.index")


def find(
    index: FrameIndex,
    *settings: str,
    workers: int = 1,
    name: str = "spots",
    tick: Callable[[int], object] = lambda done: None,
) -> Found:
    maker = DetectorMaker(name, settings, (FILE,))
    options: dict[str, Any] = maker.chosen().options.model_dump(mode="json")
    return find_landmarks(index, maker, name, options, workers=workers, tick=tick)


def stored(index: FrameIndex) -> tuple[str, np.ndarray, np.ndarray]:
    landmarks = FrameIndex(index.path).landmarks
    assert landmarks is not None
    return landmarks.detector, landmarks.valid, landmarks.read(range(len(index)))


def test_landmarks_are_those_of_the_frames(index: FrameIndex) -> None:
    assert find(index) == Found(frames=12, faces=9, skipped=[])
    detector, valid, points = stored(index)
    assert detector == "spots"
    assert valid.tolist() == [True, True, False, True] * 3
    assert np.isnan(points[~valid]).all()
    assert points[5, 0].tolist() == [4 + 4 + 1, 6]
    assert points[5, 67].tolist() == [4 + 4 + 1 + 11, 17]
    assert (index.path / "landmarks_skipped.csv").read_text() == "path,reason\n"


def test_images_are_upright_and_in_their_own_size(index: FrameIndex) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter: stored 48 × 64, shown 64 × 48
    turned = Image.fromarray(np.rot90(face()).copy())
    turned.save(index.frame_path(0), exif=exif, format="PNG")
    find(index)
    assert stored(index)[2][0, 0].tolist() == [4, 6]


def test_images_that_are_damaged_or_gone_are_recorded(index: FrameIndex) -> None:
    Path(index.frame_path(0)).write_bytes(b"cut short")
    Path(index.frame_path(5)).unlink()
    found = find(index)
    assert found == Found(frames=12, faces=7, skipped=found.skipped)
    [damaged, gone] = found.skipped
    assert damaged[0] == "id0/v/c/0.png"
    assert gone == ("id1/v/c/1.png", os.strerror(errno.ENOENT))
    assert np.flatnonzero(~stored(index)[1]).tolist() == [0, 2, 5, 6, 10]
    recorded = (index.path / "landmarks_skipped.csv").read_text().splitlines()
    assert recorded[0] == "path,reason"
    assert recorded[2].split(",")[0] == "id1/v/c/1.png"


def test_an_image_on_which_the_detector_fails_costs_no_other(index: FrameIndex, put_image: Put) -> None:
    put_image(Path(index.frame_path(5)), np.full((48, 64, 3), (0, 255, 0), np.uint8))
    found = find(index)
    assert found.faces == 8
    [(path, reason)] = found.skipped
    assert path == "id1/v/c/1.png"
    assert "green is too much" in reason


@pytest.mark.slow
def test_the_bytes_are_the_same_for_any_number_of_processes(
    index: FrameIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(detect_module, "BLOCK", 2)
    Path(index.frame_path(3)).write_bytes(b"")
    other = FrameIndex(shutil.copytree(index.path, tmp_path / "w.index"))
    find(index)
    log = tmp_path / "log"
    find(other, f"log={log}", workers=2)
    same_files(index.path, other.path)
    made = [line for line in log.read_text().splitlines() if line != "."]
    assert len(made) == len(set(made)) <= 2, "one detector for a process"


def test_a_second_detector_takes_the_place_of_the_first(index: FrameIndex) -> None:
    find(index)
    before = stored(index)
    find(index, name="one_spot")
    after = stored(index)
    assert (before[0], after[0]) == ("spots", "one_spot")
    np.testing.assert_array_equal(before[2], after[2])


KILLED = """
import sys
from pathlib import Path
from ssltoolbox.data.index import detect
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.plan.detector import DetectorMaker

if __name__ == "__main__":
    detect.BLOCK = 2
    index, file, log = map(Path, sys.argv[1:])
    maker = DetectorMaker("spots", ("seconds=0.2", f"log={log}"), (file,))
    options = maker.chosen().options.model_dump(mode="json")
    detect.find_landmarks(FrameIndex(index), maker, "spots", options, workers=1, tick=lambda done: None)
"""


@pytest.mark.slow
def test_a_kill_loses_one_block(index: FrameIndex, tmp_path: Path) -> None:
    whole = FrameIndex(shutil.copytree(index.path, tmp_path / "w.index"))
    find(whole)
    script, log = tmp_path / "killed.py", tmp_path / "log"
    script.write_text(KILLED)
    command = [sys.executable, str(script), str(index.path), str(FILE), str(log)]
    for images in (3, 7):
        process = subprocess.Popen(command)
        while log.read_text().count(".") < images if log.exists() else True:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert FrameIndex(index.path).landmarks is None
    subprocess.run(command, check=True, timeout=60)
    same_files(index.path, whole.path)
    assert 12 <= log.read_text().count(".") <= 12 + 2 * 2


def test_the_shards_of_a_large_index_are_larger(index: FrameIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve frames in shards of at least two: six of them, or as few as are allowed."""
    monkeypatch.setattr(detect_module, "BLOCK", 2)
    ticks: list[int] = []
    for most in (100, 5, 1):
        monkeypatch.setattr(detect_module, "MOST_SHARDS", most)
        find(index, tick=ticks.append)
    assert ticks == [0, 2, 2, 2, 2, 2, 2, 0, 3, 3, 3, 3, 0, 12]


def test_frames_that_have_moved_away(index: FrameIndex) -> None:
    index.root.place.rename(index.root.place.with_name("elsewhere"))
    with pytest.raises(DataNotFound, match=str(index.root.place)):
        find(index)
    assert FrameIndex(index.path).landmarks is None


def test_a_detector_that_gives_something_else(index: FrameIndex, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        find(index, "flat=true")
    golden(str(caught.value))


@pytest.mark.slow
def test_errors_in_a_process_come_out(
    index: FrameIndex, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.setattr(detect_module, "BLOCK", 2)
    with pytest.raises(UserError) as caught:
        find(index, "flat=true", workers=2)
    golden(str(caught.value))
