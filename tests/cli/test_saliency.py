"""`ssltoolbox saliency`: the picture, the numbers, and what is refused."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.golden import Golden
from helpers.runs import untrained_run, write_recipe
from PIL import Image

from ssltoolbox.cli.main import run


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two runs of one recipe."""
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path, ("views:", "seed: 3\nviews:"))
    untrained_run(recipe, tmp_path / "first")
    untrained_run(recipe, tmp_path / "second", seed=1)
    return tmp_path


def test_saliency_compares_runs_and_random_weights(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert (
        run(["saliency", "first", "second", "random", "--recipe", "tiny.yaml", "--count", "3", "--json"]) == 0
    )
    found = json.loads(capfd.readouterr().out)
    assert len(found["faces"]) == 3
    assert list(found["networks"]) == ["first", "second", "random"]
    for shares in found["networks"].values():
        assert shares["faces"] == 3
        assert all(0 < share < 1 for share in shares["saliency"].values())
        assert shares["area"] == found["networks"]["first"]["area"]
    assert found["networks"]["first"]["saliency"] != found["networks"]["second"]["saliency"]
    with Image.open("saliency.png") as picture:
        assert picture.width == 2 * 16 + 4 * 158
        assert np.asarray(picture.convert("L")).std() > 20


def test_without_captum_the_error_names_the_extra_to_install(
    here: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "captum"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "captum", None)
    assert run(["saliency", "first", "--count", "1"]) == 2
    assert "ssltoolbox[saliency]" in capfd.readouterr().err
    assert not (here / "saliency.png").exists()


@pytest.mark.parametrize("sources", [("first", "random"), ("random", "first")])
def test_weights_beside_a_run_are_seen_as_the_run_is(
    here: Path, sources: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["saliency", *sources, "--count", "2", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert sorted(found["networks"]) == ["random", "tiny"]
    assert found["networks"]["random"]["area"] == found["networks"]["tiny"]["area"]


def test_a_folder_without_landmarks(here: Path, capfd: pytest.CaptureFixture[str], golden: Golden) -> None:
    (here / "faces").mkdir()
    for number in range(3):
        Image.fromarray(np.full((30, 30, 3), 80 * number, np.uint8)).save(here / "faces" / f"{number}.png")
    (here / "faces" / "1.png").write_bytes(b"no image")
    assert run(["saliency", "first", "--images", "faces", "-o", "x.png"]) == 0
    said = capfd.readouterr()
    assert "faces/1.png: " in said.err.splitlines()[0]
    golden(said.out.splitlines()[-1])
    assert "–" in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["first", "--images", "nowhere"],
        ["first", "--images", "first"],
        ["random"],
    ],
)
def test_saliency_refuses_wrong_arguments(
    here: Path, arguments: list[str], golden: Golden, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(["saliency", *arguments]) == 2
    golden(capfd.readouterr().err)
    assert not (here / "saliency.png").exists()
