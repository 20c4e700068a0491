"""Many videos become one tree, each video whole or not there, whatever happens in between."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from helpers import spots
from helpers.golden import Golden
from helpers.trees import same_files
from helpers.videos import scene, write_video

from ssltoolbox.api import UserError
from ssltoolbox.data.extract.folder import VideoResult, extract_videos
from ssltoolbox.data.extract.video import Cropping
from ssltoolbox.data.extract.videos import find_videos
from ssltoolbox.plan.detector import DetectorMaker
from ssltoolbox.support.clusters import Cluster

FILE = Path(spots.__file__)
CROPPING = Cropping(fps=Fraction(5), size=32, scale=1.6, cut=0.35, lost=0, min_seconds=1)


@pytest.fixture
def videos(tmp_path: Path) -> Path:
    """Three videos of two people."""
    for place, name in enumerate(("id1/a.mov", "id1/b.mov", "id2/a.mov")):
        frames = [scene((20 + 10 * place + step, 30, 40)) for step in range(6)]
        write_video(tmp_path / "videos" / name, frames, 5)
    return tmp_path / "videos"


def extract(
    videos: Path, out: Path, *settings: str, workers: int | Cluster = 1, cropping: Cropping = CROPPING
) -> list[VideoResult]:
    maker = DetectorMaker("spots", settings, (FILE,))
    found = find_videos([videos])
    detector = {"name": "spots", "options": dict(setting.split("=") for setting in settings)}
    return extract_videos(found, out, cropping, maker, detector, workers=workers, tick=lambda done: None)


def frames(out: Path) -> Path:
    """A copy of a tree without what is known of it."""
    copy = out.with_name(f"{out.name}-frames")
    return shutil.copytree(out, copy, ignore=shutil.ignore_patterns(".extract"))


def images_seen(log: Path) -> int:
    return log.read_text().count(".") if log.exists() else 0


def test_a_tree_of_frames(videos: Path, tmp_path: Path) -> None:
    outcomes = extract(videos, tmp_path / "out")
    assert [Path(outcome.video).relative_to(videos).as_posix() for outcome in outcomes] == [
        "id1/a.mov",
        "id1/b.mov",
        "id2/a.mov",
    ]
    assert {(outcome.extracted.clips, outcome.error) for outcome in outcomes} == {(1, "")}
    clips = sorted(path.parent for path in (tmp_path / "out").rglob("landmarks68.npy"))
    assert [clip.relative_to(tmp_path / "out").as_posix() for clip in clips] == [
        "id1/a/00001",
        "id1/b/00001",
        "id2/a/00001",
    ]


@pytest.mark.slow
def test_the_bytes_are_the_same_for_any_number_of_processes(videos: Path, tmp_path: Path) -> None:
    extract(videos, tmp_path / "one")
    extract(videos, tmp_path / "two", workers=2)
    same_files(tmp_path / "one", tmp_path / "two")


@pytest.mark.slow
def test_the_bytes_are_the_same_on_a_cluster(videos: Path, tmp_path: Path, cluster: Cluster) -> None:
    extract(videos, tmp_path / "here")
    extract(videos, tmp_path / "there", workers=cluster)
    same_files(tmp_path / "here", tmp_path / "there")


def test_a_second_call_looks_at_nothing(videos: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    first = extract(videos, tmp_path / "out", f"log={log}")
    seen = log.read_text()
    assert extract(videos, tmp_path / "out", f"log={log}") == first
    assert log.read_text() == seen


def test_a_damaged_video_is_recorded_and_tried_again(videos: Path, tmp_path: Path) -> None:
    whole = (videos / "id1/b.mov").read_bytes()
    (videos / "id1/b.mov").write_bytes(b"no video")
    outcomes = extract(videos, tmp_path / "out")
    assert [bool(outcome.error) for outcome in outcomes] == [False, True, False]
    assert not (tmp_path / "out/id1/b").exists()
    (videos / "id1/b.mov").write_bytes(whole)
    assert [outcome.error for outcome in extract(videos, tmp_path / "out")] == ["", "", ""]
    assert (tmp_path / "out/id1/b/00001/0000001.jpg").is_file()


def test_a_video_on_which_the_detector_fails_costs_no_other(videos: Path, tmp_path: Path) -> None:
    write_video(videos / "id1/b.mov", [scene((20, 30, 40), colour=(0, 255, 0))] * 6, 5)
    errors = [outcome.error for outcome in extract(videos, tmp_path / "out")]
    assert [bool(error) for error in errors] == [False, True, False]
    assert "green is too much" in errors[1]


def test_a_video_that_was_changed_is_extracted_again(videos: Path, tmp_path: Path) -> None:
    extract(videos, tmp_path / "out")
    write_video(videos / "id1/b.mov", [scene((20, 30, 40))] * 9, 5)
    extract(videos, tmp_path / "out")
    assert len(list((tmp_path / "out/id1/b/00001").glob("*.jpg"))) == 9
    write_video(videos / "id1/b.mov", [scene()] * 9, 5)
    extract(videos, tmp_path / "out")
    assert not (tmp_path / "out/id1/b").exists()


def test_another_video_of_that_name_takes_no_ones_place(videos: Path, tmp_path: Path, golden: Golden) -> None:
    extract(videos, tmp_path / "out")
    other = tmp_path / "more" / "id1" / "a.mov"
    write_video(other, [scene((20, 30, 40))] * 9, 5)
    with pytest.raises(UserError) as caught:
        extract(other.parents[1], tmp_path / "out")
    golden(str(caught.value))


def test_frames_made_in_another_way_are_not_mixed(videos: Path, tmp_path: Path, golden: Golden) -> None:
    extract(videos, tmp_path / "out")
    with pytest.raises(UserError) as caught:
        extract(videos, tmp_path / "out", cropping=replace(CROPPING, size=64, fps=Fraction(25, 6)))
    golden(str(caught.value))
    with pytest.raises(UserError) as caught:
        extract(videos, tmp_path / "out", "log=seen")
    golden(str(caught.value))


def test_a_detector_that_fails_at_its_start_leaves_the_folder_to_another(
    videos: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError):
        extract(videos, tmp_path / "out", "spots=none")
    outcomes = extract(videos, tmp_path / "out", cropping=replace(CROPPING, size=64))
    assert all(outcome.extracted.clips for outcome in outcomes)


def test_a_folder_of_other_things_is_left_alone(videos: Path, tmp_path: Path, golden: Golden) -> None:
    before = sorted(videos.rglob("*.mov"))
    with pytest.raises(UserError) as caught:
        extract(videos, videos)
    golden(str(caught.value))
    assert sorted(videos.rglob("*.mov")) == before


KILLED = """
import sys
from fractions import Fraction
from pathlib import Path
from ssltoolbox.data.extract.folder import extract_videos
from ssltoolbox.data.extract.video import Cropping
from ssltoolbox.data.extract.videos import find_videos
from ssltoolbox.plan.detector import DetectorMaker

if __name__ == "__main__":
    videos, out, file, log = map(Path, sys.argv[1:])
    maker = DetectorMaker("one_spot", ("seconds=0.2", f"log={log}"), (file,))
    cropping = Cropping(fps=Fraction(5), size=32, scale=1.6, cut=0.35, lost=0, min_seconds=1)
    extract_videos(
        find_videos([videos]), out, cropping, maker, {"name": "spots"}, workers=1, tick=lambda done: None
    )
"""


@pytest.mark.slow
def test_a_kill_loses_the_video_that_was_worked_on(videos: Path, tmp_path: Path) -> None:
    extract(videos, tmp_path / "whole")
    script, log, out = tmp_path / "killed.py", tmp_path / "log", tmp_path / "out"
    script.write_text(KILLED)
    command = [sys.executable, str(script), *map(str, (videos, out, FILE, log))]
    for seen in (3, 10):
        process = subprocess.Popen(command)
        while images_seen(log) < seen:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.wait()
    subprocess.run(command, check=True, timeout=60)
    assert not (out / ".extract/parts").exists()
    same_files(frames(tmp_path / "whole"), frames(out))
    assert images_seen(log) <= 18 + 2 * 6


@pytest.mark.slow
def test_an_interrupt_does_not_wait_for_the_videos(videos: Path, tmp_path: Path) -> None:
    script, log = tmp_path / "killed.py", tmp_path / "log"
    slow = KILLED.replace("seconds=0.2", "seconds=30").replace("workers=1", "workers=2")
    # A shell that runs the tests in the background has them, and what they start, ignore interrupts.
    script.write_text("import signal\n\nsignal.signal(signal.SIGINT, signal.default_int_handler)\n" + slow)
    process = subprocess.Popen(
        [sys.executable, str(script), *map(str, (videos, tmp_path / "out", FILE, log))],
        stderr=subprocess.PIPE,
        text=True,
    )
    while not log.exists() or not (made := log.read_text().split()):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert "KeyboardInterrupt" in process.communicate(timeout=120)[1]
    for number in made:
        with pytest.raises(ProcessLookupError):
            os.kill(int(number), 0)
