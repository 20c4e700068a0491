"""`ssltoolbox data extract`."""

from __future__ import annotations

import csv
import os
import re
from pathlib import Path

import pytest
from helpers import spots
from helpers.golden import Golden
from helpers.videos import scene, write_video

from ssltoolbox.cli.main import run

Capture = pytest.CaptureFixture[str]
SPOTS = ["--detector", "spots", "--plugin", spots.__file__, "--workers", "1"]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def extract(*arguments: str, code: int = 0) -> None:
    assert run(["data", "extract", *arguments]) == code


def test_what_came_out_is_counted(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    here, there = scene((20, 30, 40)), scene((100, 30, 40))
    write_video(tmp_path / "videos/id1/a.mov", [here] * 60 + [there] * 10 + [scene()] * 5)
    write_video(tmp_path / "videos/id2/b.mov", [here] * 10, fps=2)
    (tmp_path / "videos/id2/c.mp4").write_bytes(b"")
    extract("videos", "-o", "frames", *SPOTS)
    captured = capsys.readouterr()
    golden(captured.out)
    golden(captured.err)
    assert sorted(path.name for path in (tmp_path / "frames/id1/a/00001").iterdir()) == [
        *(f"{number:07d}.jpg" for number in range(1, 11)),
        "landmarks68.npy",
    ]


def test_frames_go_on_to_an_index(tmp_path: Path, capsys: Capture) -> None:
    write_video(tmp_path / "id1/a.mov", [scene((20, 30, 40))] * 20, fps=5)
    extract("id1/a.mov", "-o", "frames", "--fps", "5", "--size", "64", *SPOTS)
    assert run(["data", "index", "frames", "--fps", "5", "-o", "v.index"]) == 0
    from ssltoolbox.data.index.reader import FrameIndex

    index = FrameIndex(tmp_path / "v.index")
    assert index.times.tolist() == [number / 5 for number in range(20)]
    assert index.landmarks is not None
    assert index.landmarks.valid.all()


def test_extracting_from_no_readable_video_exits_with_1(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "a.mp4").write_bytes(b"")
    extract("a.mp4", "-o", "frames", *SPOTS, code=1)
    assert "\n1 of 1 video " in capsys.readouterr().err


def test_every_file_that_gave_no_clip_is_named_with_why(
    tmp_path: Path, capsys: Capture, golden: Golden
) -> None:
    face, nobody = scene((20, 30, 40)), scene()
    write_video(tmp_path / "v/id/good.mov", [face] * 60)
    write_video(tmp_path / "v/id/faceless.mov", [nobody] * 60)
    write_video(tmp_path / "v/id/tiny.mov", [nobody[:40, :50]] * 60)
    write_video(tmp_path / "v/id/brief.mov", [face] * 20)
    write_video(tmp_path / "v/id/slow.mov", [face] * 10, fps=2)
    (tmp_path / "v/id/broken.mp4").write_bytes(b"no video")
    (tmp_path / "v/id/fun.gif").touch()
    (tmp_path / "v/id/names.txt").touch()
    write_video(tmp_path / "v/id/odd.mov", [face] * 60).rename(tmp_path / "v/id" / os.fsdecode(b"\xe9.mov"))
    extract("v", "-o", "out", *SPOTS)
    with (tmp_path / "out/left_out.csv").open(encoding="utf-8", newline="") as file:
        reasons = {Path(row["path"]).name: row["reason"] for row in csv.DictReader(file)}
    words = {
        "faceless.mov": "no face",
        "tiny.mov": "too small",
        "brief.mov": "shorter",
        "slow.mov": "fewer frames per second",
        "broken.mp4": "Invalid data",
        "fun.gif": "another type",
        "names.txt": "another type",
        r"\udce9.mov": "not UTF-8",
    }
    assert reasons.keys() == words.keys()
    assert all(words[name] in reason for name, reason in reasons.items())
    errors = capsys.readouterr().err
    golden("\n".join(line for line in errors.splitlines() if re.search(r"\d+ (of|files) ", line)))


@pytest.mark.parametrize(
    "arguments",
    [
        ["none", "-o", "out"],
        ["a.mov", "-o", "out", "--fps", "25/0"],
        ["a.mov", "-o", "out", "--fps", "0"],
        ["a.mov", "-o", "out", "--detector", "dlob"],
        ["a.mov", "-o", "a.mov"],
        ["a.mov"],
    ],
)
def test_wrong_arguments_of_extract_exit_with_2(
    tmp_path: Path, capsys: Capture, arguments: list[str], golden: Golden
) -> None:
    write_video(tmp_path / "a.mov", [scene()] * 2)
    extract(*arguments, code=2)
    golden(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()
