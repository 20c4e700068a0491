"""Names that are not UTF-8: every command over data says the same sentence."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import spots
from helpers.trees import put_clip as put_clip
from helpers.trees import put_image as put_image
from helpers.videos import scene, write_video

from ssltoolbox.cli.main import run
from ssltoolbox.support.paths import NOT_UTF8, RENAME

SPOTS = ["--detector", "spots", "--plugin", spots.__file__]
ODD = os.fsdecode(b"\xff")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, put_clip: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    put_clip("frames/id/v/c")
    put_clip(f"{ODD}/id/v/c")
    write_video(tmp_path / "a.mov", [scene()] * 2)
    assert run(["data", "index", "frames", "-o", "i.index"]) == 0
    Path("i.index").rename(ODD + ".index")
    assert run(["data", "index", "frames", "-o", "i.index"]) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["index", "frames", "-o", ODD + "2.index"],
        ["index", ODD, "-o", "2.index"],
        ["info", ODD + ".index"],
        ["landmarks", ODD + ".index", *SPOTS],
        ["pack", ODD + ".index", "-o", "p.index"],
        ["pack", "i.index", "-o", ODD + "2.index"],
        ["extract", "a.mov", "-o", ODD + "3", *SPOTS],
    ],
)
def test_every_data_command_rejects_a_name_that_is_not_utf8(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert run(["data", *arguments]) == 2
    *_, last = capsys.readouterr().err.splitlines()
    assert last.endswith(f": {NOT_UTF8}; {RENAME}")
