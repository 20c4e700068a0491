"""`ssltoolbox data`: index, info and pack."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.trees import put_clip as put_clip
from support.trees import put_image as put_image

from ssltoolbox.cli.main import run

Put = Callable[..., Path]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def here(tmp_path: Path, put_clip: Put, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two persons with a clip each, in `frames`."""
    monkeypatch.chdir(tmp_path)
    put_clip("frames/id1/v/c", ["1.png", "2.png", "3.png"])
    put_clip("frames/id2/v/c", ["1.png", "2.png"])
    return tmp_path


class TestIndex:
    def test_says_what_it_wrote(self, here: Path, capsys: Capture) -> None:
        (here / "frames/id1/v/c/2.png").write_bytes(b"")
        assert run(["data", "index", "frames", "-o", "v.index", "--workers", "1"]) == 0
        captured = capsys.readouterr()
        assert captured.out == "4 frames of 2 clips are in v.index\n"
        assert captured.err == (
            "left out: id1/v/c/2.png: empty, or neither a JPEG nor a PNG image\n"
            "1 file could not be used: see v.index/skipped.csv\n"
        )

    def test_a_table(self, here: Path, capsys: Capture) -> None:
        (here / "frames/faces.csv").write_text("path,identity,mood\nid1/v/c/1.png,a,1\nid2/v/c/1.png,b,2\n")
        assert run(["data", "index", "frames/faces.csv", "-o", "v.index"]) == 0
        captured = capsys.readouterr()
        assert captured.out == "2 frames of 2 clips are in v.index\n"
        assert captured.err == "columns that are not used: mood\n"

    @pytest.mark.parametrize(
        ("arguments", "text"),
        [
            (["gone"], "gone: there is no such folder\n"),
            (["gone.csv"], "gone.csv: there is no such file\n"),
            (
                ["frames", "--root", "x"],
                "Error: Invalid value for '--root': only for a CSV or Parquet file\n",
            ),
            (["frames", "-o", "frames"], "frames is already there; remove it, or choose another name\n"),
        ],
    )
    def test_mistakes(self, here: Path, capsys: Capture, arguments: list[str], text: str) -> None:
        assert run(["data", "index", "-o", "v.index", *arguments]) == 2
        assert capsys.readouterr().err.endswith(text)
        assert not Path("v.index").exists()
