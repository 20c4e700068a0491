"""`ssltoolbox data`: index, info and pack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.trees import put_clip as put_clip
from helpers.trees import put_image as put_image
from helpers.trees import put_run
from PIL import Image

from ssltoolbox.cli.main import run
from ssltoolbox.data.frames.dataset import FramesDataset
from ssltoolbox.data.frames.options import FramesOptions

Put = Callable[..., Path]
Capture = pytest.CaptureFixture[str]
LONG_ENOUGH = {"hard_neg": 0, "same_person": 2, "time_aug": 1}
"""Strategy → clips of `here` that are long enough for it; other plugins may add strategies."""


@pytest.fixture
def here(tmp_path: Path, put_clip: Put, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two persons with a clip each, in `frames`."""
    monkeypatch.chdir(tmp_path)
    put_clip("frames/id1/v/c", ["1.png", "2.png", "3.png"])
    put_clip("frames/id2/v/c", ["1.png", "2.png"])
    return tmp_path


class TestIndex:
    def test_indexing_prints_counts_and_unreadable_images(
        self, here: Path, capsys: Capture, golden: Golden
    ) -> None:
        (here / "frames/id1/v/c/2.png").write_bytes(b"")
        assert run(["data", "index", "frames", "-o", "v.index", "--workers", "1"]) == 0
        captured = capsys.readouterr()
        golden(captured.out)
        golden(captured.err)

    def test_shards_and_then_the_index(self, here: Path, capsys: Capture) -> None:
        command = ["data", "index", "frames", "-o", "v.index", "--workers", "1"]
        for shard in ("1/2", "2/2"):
            assert run([*command, "--shard", shard]) == 0
            assert f"shard {shard}" in capsys.readouterr().out
            assert not (here / "v.index").exists()
        assert run(command) == 0
        assert capsys.readouterr().out.startswith("5 frames of 2 clips ")

    @pytest.mark.parametrize(
        "options",
        [
            ["--engine", "dask"],
            ["--engine", "slurm:here"],
            ["--engine", "dask:tcp://node:8786", "--workers", "2"],
            ["--shard", "0/2"],
            ["--shard", "3"],
        ],
    )
    def test_what_is_no_engine_and_no_shard(self, here: Path, capsys: Capture, options: list[str]) -> None:
        assert run(["data", "index", "frames", "-o", "v.index", *options]) == 2
        assert "Traceback" not in capsys.readouterr().err
        assert not (here / "v.index").exists()

    def test_an_index_is_made_from_a_table(self, here: Path, capsys: Capture) -> None:
        (here / "frames/faces.csv").write_text("path,identity,mood\nid1/v/c/1.png,a,1\nid2/v/c/1.png,b,2\n")
        assert run(["data", "index", "frames/faces.csv", "-o", "v.index"]) == 0
        captured = capsys.readouterr()
        assert captured.out.startswith("2 frames of 2 clips ")
        assert "mood" in captured.err

    def test_what_is_left_out_is_counted(
        self, here: Path, put_image: Put, capsys: Capture, golden: Golden
    ) -> None:
        put_run(here / "frames/runs/a/b")
        (here / "frames/id1/v/c/9.gif").touch()
        put_image(here / "elsewhere.png")
        (here / "frames/id1/v/c/8.png").symlink_to(here / "elsewhere.png")
        assert run(["data", "index", "frames", "-o", "v.index"]) == 0
        captured = capsys.readouterr()
        assert captured.out.startswith("5 frames of 2 clips ")
        golden(captured.err)
        assert "id1/v/c/8.png" in (here / "v.index/skipped.csv").read_text()

    def test_links_are_followed_where_it_is_asked_for(
        self, here: Path, put_image: Put, capsys: Capture
    ) -> None:
        put_image(here / "elsewhere.png")
        (here / "frames/id1/v/c/8.png").symlink_to(here / "elsewhere.png")
        assert run(["data", "index", "frames", "-o", "v.index", "--follow-links"]) == 0
        assert capsys.readouterr().out.startswith("6 frames of 2 clips ")
        data = FramesDataset(FramesOptions(index=here / "v.index", size=16), "train")
        assert not data.read([0], [3]).unreadable

    @pytest.mark.parametrize("ending", ["webp", "bmp", "tiff"])
    def test_images_of_other_types(self, here: Path, ending: str, capsys: Capture) -> None:
        Image.new("RGB", (16, 16)).save(here / f"frames/id1/v/c/4.{ending}")
        assert run(["data", "index", "frames", "-o", "v.index"]) == 0
        assert capsys.readouterr().out.startswith("6 frames of 2 clips ")

    @pytest.mark.parametrize(
        "arguments",
        [
            ["gone"],
            ["gone.csv"],
            ["frames", "--root", "x"],
            ["frames", "-o", "frames"],
        ],
    )
    def test_wrong_arguments_exit_with_2(
        self, here: Path, capsys: Capture, arguments: list[str], golden: Golden
    ) -> None:
        assert run(["data", "index", "-o", "v.index", *arguments]) == 2
        golden(capsys.readouterr().err)
        assert not Path("v.index").exists()


class TestInfoAndPack:
    @pytest.fixture
    def index(self, here: Path, capsys: Capture) -> str:
        assert run(["data", "index", "frames", "-o", "v.index"]) == 0
        capsys.readouterr()
        return "v.index"

    def test_a_table_for_people(
        self, index: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch, golden: Golden
    ) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        assert run(["data", "info", index, "-o", "sheet.png"]) == 0
        rows = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
        golden("\n".join(row for row in rows if "long enough" not in row or row.split()[0] in LONG_ENOUGH))
        with Image.open("sheet.png") as sheet:
            assert sheet.format == "PNG"

    def test_data_info_prints_json(self, index: str, capsys: Capture) -> None:
        assert run(["data", "info", index, "--json"]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert (facts["frames"], facts["clips"], facts["faceless"]) == (5, 2, None)
        assert facts["long_enough"] == facts["long_enough"] | LONG_ENOUGH

    def test_data_pack_prints_counts_and_info_shows_the_size(self, index: str, capsys: Capture) -> None:
        assert run(["data", "pack", index, "-o", "p.index", "--size", "8", "--jpeg", "90"]) == 0
        assert capsys.readouterr().out.startswith("5 frames of 2 clips ")
        assert run(["data", "info", "p.index"]) == 0
        rows = {line.split()[0]: line for line in capsys.readouterr().out.splitlines() if line.strip()}
        assert "8 × 8" in rows["images"]
        assert "jpeg" in rows["stored"]

    @pytest.mark.parametrize(
        "arguments",
        [
            ["info", "gone"],
            ["info", "frames"],
            ["info", "v.index", "-o", "a.jpg"],
            ["pack", "v.index", "-o", "frames"],
        ],
    )
    def test_wrong_arguments_exit_with_2(
        self, index: str, capsys: Capture, arguments: list[str], golden: Golden
    ) -> None:
        assert run(["data", *arguments]) == 2
        golden(capsys.readouterr().err)
