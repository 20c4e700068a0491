"""Labels in tar files, as WebDataset's samples have them: `.json` and `.cls` beside an image."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ssltoolbox.cli.main import run
from ssltoolbox.data.index.reader import FrameIndex

Capture = pytest.CaptureFixture[str]


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16)).save(file, "PNG")
    return file.getvalue()


def write_tar(path: Path, members: dict[str, bytes | str | object]) -> None:
    """Bytes and texts as they are, None for an image, and all else as JSON."""
    path.parent.mkdir(exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, value in members.items():
            content = picture() if value is None else value
            if not isinstance(content, str | bytes):
                content = json.dumps(content)
            content = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def indexed(tmp_path: Path) -> FrameIndex:
    command = ["data", "index", str(tmp_path / "shards"), "-o", str(tmp_path / "x.index"), "--workers", "1"]
    assert run(command) == 0
    return FrameIndex(tmp_path / "x.index")


def skipped(tmp_path: Path) -> str:
    return (tmp_path / "x.index/skipped.csv").read_text()


@pytest.mark.parametrize("between", ["/", "."])
def test_labels_beside_images(tmp_path: Path, capsys: Capture, between: str) -> None:
    """In folders of frames and in samples; the second tar file knows classes that the first does not."""
    a, b = f"a/v/c{between}", f"b/v/c{between}"
    first = {
        "expression": "Happy",
        "valence": 0.5,
        "mood": "calm",
        "age": 31.5,
        "glasses": True,
        "box": [1, 2],
    }
    write_tar(
        tmp_path / "shards/0.tar",
        {f"{a}1.json": first, f"{a}1.png": None, f"{a}2.png": None, f"{a}2.json": {"mood": None, "age": 8}},
    )
    write_tar(
        tmp_path / "shards/1.tar",
        {
            f"{b}1.png": None,
            f"{b}1.cls": "7",
            f"{b}2.png": None,
            f"{b}2.cls": "3",
            f"{b}2.json": {"mood": "wild"},
        },
    )
    index = indexed(tmp_path)
    own = {name: index.classes[name] for name in ("mood", "cls", "glasses")}
    assert own == {"mood": ("calm", "wild"), "cls": ("3", "7"), "glasses": ("1",)}
    assert index.labels["expression"].tolist() == [1, -1, -1, -1]
    assert index.labels["mood"].tolist() == [0, -1, -1, 1]
    assert index.labels["cls"].tolist() == [-1, -1, 1, 0]
    assert index.labels["glasses"].tolist() == [0, -1, -1, -1]
    np.testing.assert_array_equal(index.labels["age"], np.float32([31.5, 8, np.nan, np.nan]))
    np.testing.assert_array_equal(index.labels["valence"], np.float32([0.5, np.nan, np.nan, np.nan]))
    said = capsys.readouterr().err
    assert "labels: age, cls, expression, glasses, mood, valence" in said
    assert skipped(tmp_path).count("\n") == 1


def test_labels_of_a_clip_hold_for_each_of_its_frames(tmp_path: Path) -> None:
    write_tar(
        tmp_path / "shards/0.tar",
        {
            "a/v/c.1.png": None,
            "a/v/c.2.png": None,
            "a/v/c.2.json": {"mood": "wild"},
            "a/v/c.json": {"mood": "calm", "person": "ann"},
        },
    )
    index = indexed(tmp_path)
    assert index.classes == {"mood": ("calm", "wild"), "person": ("ann",)}
    assert index.labels["mood"].tolist() == [0, 1]
    assert index.labels["person"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a/v/c.2.json", "{", "no JSON"),
        ("a/v/c.2.json", "[1]", "no JSON object"),
        ("a/v/c.2.json", "[" * 100_000, "no JSON"),
        ("a/v/c.2.json", b'{"mood": "\xff"}', "UTF-8"),
        ("a/v/c.2.json", '{"mood": "\\ud800"}', "UTF-8"),
        ("a/v/c.2.json", '{"expression": "puzzled"}', "expression: 'puzzled' is not an expression"),
        ("a/v/c.2.json", '{"valence": 7}', "valence: 7 is not between -1 and 1"),
        ("a/v/c.2.json", '{"arousal": "high"}', "arousal: 'high' is not a number"),
        ("a/v/c.2.json", " " * (2**20 + 1), "more than 1,048,576 bytes"),
        ("a/v/c.3.json", '{"mood": "calm"}', "labels without an image"),
        ("a/v/c.3.cls", "1", "labels without an image"),
    ],
    ids=[
        "JSON cut short",
        "a list",
        "deeply nested",
        "not UTF-8",
        "half a character",
        "an unknown expression",
        "a valence that is too large",
        "an arousal that is a word",
        "too many bytes",
        "JSON without an image",
        "a class without an image",
    ],
)
def test_an_odd_member_is_left_out_and_counted(
    tmp_path: Path, capsys: Capture, name: str, content: str | bytes, reason: str
) -> None:
    write_tar(
        tmp_path / "shards/0.tar",
        {"a/v/c.1.png": None, "a/v/c.1.json": {"mood": "calm"}, "a/v/c.2.png": None, name: content},
    )
    index = indexed(tmp_path)
    assert index.labels["mood"].tolist() == [0, -1]
    assert reason in skipped(tmp_path)
    assert "left out: 0.tar/a/v/c." in capsys.readouterr().err


def test_what_can_t_be_a_label_is_said(tmp_path: Path, capsys: Capture) -> None:
    write_tar(
        tmp_path / "shards/0.tar",
        {
            name: content
            for frame in range(300)
            for name, content in {
                f"a/v/c.{frame}.png": None,
                f"a/v/c.{frame}.json": {"caption": f"face {frame}", "width": 16, "age": frame},
            }.items()
        },
    )
    index = indexed(tmp_path)
    assert index.labels["age"].tolist() == [float(frame) for frame in range(300)]
    assert "keys that are not labels: caption, width" in capsys.readouterr().err
