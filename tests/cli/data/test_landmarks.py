"""`ssltoolbox data landmarks`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import spots
from helpers.golden import Golden
from helpers.trees import put_image as put_image

from ssltoolbox.cli.main import run

FILE = spots.__file__
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def index(tmp_path: Path, put_image: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> str:
    """Four frames, three of them with a face."""
    monkeypatch.chdir(tmp_path)
    for frame in range(4):
        pixels = np.full((40, 40, 3), 120, dtype=np.uint8)
        pixels[5:25, frame : frame + 20] = (220, 20, 20) if frame else (20, 20, 20)
        put_image(tmp_path / f"frames/id1/v/c/{frame}.png", pixels)
    assert run(["data", "index", "frames", "-o", "v.index"]) == 0
    return "v.index"


def test_landmarks_prints_counts_of_faces_and_unreadable_images(
    index: str, capsys: Capture, golden: Golden
) -> None:
    Path("frames/id1/v/c/2.png").unlink()
    capsys.readouterr()
    arguments = ["data", "landmarks", index, "--detector", "spots", "--plugin", FILE, "--workers", "1"]
    assert run(arguments) == 0
    captured = capsys.readouterr()
    golden(captured.out)
    golden(captured.err)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--detector", "dlob"],
        ["--set", "upsmple=1"],
        ["--detector", "mediapipe"],
    ],
)
def test_wrong_arguments_of_landmarks_exit_with_2(
    index: str, capsys: Capture, arguments: list[str], golden: Golden
) -> None:
    capsys.readouterr()
    assert run(["data", "landmarks", index, "--workers", "1", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    golden(printed.err)


def test_landmarks_of_a_missing_index_exit_with_2(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["data", "landmarks", "v.index"]) == 2
    golden(capsys.readouterr().err)
