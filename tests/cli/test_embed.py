"""`ssltoolbox embed`: what DATA may be."""

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from helpers.golden import Golden
from helpers.runs import untrained_run, write_recipe
from PIL import Image

from ssltoolbox import load_backbone
from ssltoolbox.cli.main import run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run, its recipe, and a tree of frames, one of which is damaged."""
    monkeypatch.chdir(tmp_path)
    untrained_run(write_recipe(tmp_path), tmp_path / "run")
    for person in ("ann", "bob"):
        clip = tmp_path / "faces" / person / "video" / "clip"
        clip.mkdir(parents=True)
        for number in range(3):
            Image.fromarray(np.full((40, 40, 3), 60 * number, np.uint8)).save(clip / f"{number:07d}.png")
    (clip / "0000001.png").write_bytes(b"no image")
    return tmp_path


def test_embedding_one_person_gives_no_warning(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree("faces/bob")
    assert run(["embed", "run", "faces", "-o", "x.parquet"]) == 0
    assert pq.read_table("x.parquet")["clip"].to_pylist() == ["ann/video/clip"] * 3
    assert "warning" not in capfd.readouterr().err


@pytest.mark.parametrize("data", ["faces", "{name: frames, root: faces, size: 40}", "faces.yaml"])
def test_embed_takes_a_folder_an_index_or_a_recipe(
    here: Path, data: str, capfd: pytest.CaptureFixture[str], golden: Golden
) -> None:
    (here / "faces.yaml").write_text("extends: tiny.yaml\ndata: {name: frames, root: faces}\n")
    assert run(["embed", "run", data, "-o", "x.parquet"]) == 0
    table = pq.read_table("x.parquet")
    assert table["clip"].to_pylist() == ["ann/video/clip"] * 3 + ["bob/video/clip"] * 2
    assert table["frame"].to_pylist() == [0, 1, 2, 0, 2]
    said = capfd.readouterr()
    assert "1 frame" in said.err.splitlines()[-1]
    golden(said.out.splitlines()[-1])


def test_embed_takes_a_table_of_images(here: Path) -> None:
    frames = ["faces/ann/video/clip/0000000.png", "faces/ann/video/clip/0000001.png"]
    (here / "faces.csv").write_text("path,split,mood\n" + "".join(f"{frame},test,glad\n" for frame in frames))
    assert run(["embed", "run", "faces.csv", "--split", "test", "-o", "x.parquet"]) == 0
    table = pq.read_table("x.parquet")
    assert table["mood"].to_pylist() == [0, 0]
    assert (
        len(table["features"][0].as_py()) == load_backbone(here / "run")(torch.zeros(1, 3, 32, 32)).shape[1]
    )


def test_weights_take_data_and_views_from_one_recipe(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert run(["embed", "run/backbone.safetensors", "tiny.yaml", "--split", "val", "-o", "x.parquet"]) == 0
    assert set(pq.read_table("x.parquet")["split"].to_pylist()) == {"val"}


@pytest.mark.parametrize(
    "data",
    [
        "no/where",
        "run/backbone.safetensors",
        "{name: framez}",
    ],
)
def test_embed_refuses_wrong_data(
    here: Path, data: str, golden: Golden, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["embed", "run", data, "-o", "x.parquet"]) == 2
    golden(capfd.readouterr().err)
    assert not (here / "x.parquet").exists()
