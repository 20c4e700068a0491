"""`ssltoolbox recipes`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

import ssltoolbox
from ssltoolbox.cli.main import run
from ssltoolbox.recipe.shipped import FOLDER, shipped_recipes

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_every_recipe_of_the_checkout_is_listed(capsys: Capture) -> None:
    assert run(["recipes", "list"]) == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line[1:2] != " "]
    assert listed[0] == "quickstart"
    assert sorted(listed) == sorted(
        file.relative_to(ROOT / "recipes").with_suffix("").as_posix()
        for file in (ROOT / "recipes").rglob("*.yaml")
    )


def test_the_list_as_json(capsys: Capture) -> None:
    assert run(["recipes", "list", "--json"]) == 0
    first, *others = json.loads(capsys.readouterr().out)
    assert (first["name"], first["file"]) == ("quickstart", str(FOLDER / "quickstart.yaml"))
    assert len(others) == len(shipped_recipes()) - 1


def test_show_as_written_and_in_full(capsys: Capture) -> None:
    assert run(["recipes", "show", "paper/g"]) == 0
    written = yaml.safe_load(capsys.readouterr().out)
    assert written["extends"] == "paper/base"
    assert "optim" not in written
    assert run(["recipes", "show", "paper/g", "--full"]) == 0
    full = yaml.safe_load(capsys.readouterr().out)
    assert "extends" not in full
    assert full["optim"]["lr"] == 3e-4


def test_a_copy_can_be_checked_and_is_never_written_over(tmp_path: Path, capsys: Capture) -> None:
    assert run(["recipes", "copy", "synthetic/g"]) == 0
    assert "g.yaml" in capsys.readouterr().out
    assert run(["check", "g.yaml"]) == 0
    text = (tmp_path / "g.yaml").read_text()
    assert run(["recipes", "copy", "paper/g"]) == 2
    assert "g.yaml exists" in capsys.readouterr().err
    assert (tmp_path / "g.yaml").read_text() == text
    assert run(["recipes", "copy", "paper/g", "-o", "rows/mine.yaml"]) == 0
    assert run(["check", "rows/mine.yaml"]) == 0


@pytest.mark.parametrize("command", ["show", "copy"])
def test_an_unknown_recipe_is_an_error_with_a_suggestion(
    command: str, tmp_path: Path, capsys: Capture
) -> None:
    assert run(["recipes", command, "quickstrat"]) == 2
    assert "'quickstart'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["check", "train", "preview"])
def test_a_file_that_hides_a_shipped_recipe_is_a_warning(
    command: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "quickstart.yaml").write_text("extends: synthetic/a\nrecipe: 1\n")
    # What comes after the warning takes long.
    monkeypatch.setattr("ssltoolbox.engine.training.run.train", lambda *_: pytest.fail("not reached"))
    monkeypatch.setattr("ssltoolbox.engine.inspect.preview.preview", lambda *_: pytest.fail("not reached"))
    monkeypatch.setenv("SSLTOOLBOX_TRACEBACK", "1")
    if command == "check":
        assert run([command, "quickstart"]) == 0
    else:
        with pytest.raises(pytest.fail.Exception, match="not reached"):
            run([command, "quickstart"])
    assert "quickstart.yaml: warning: " in capsys.readouterr().err


def test_an_editable_install_uses_the_recipes_of_the_checkout_and_another_its_own() -> None:
    installed = Path(ssltoolbox.__file__).parent
    own = ROOT / "recipes" if installed.parent == ROOT else installed / "recipes"
    assert own == FOLDER


@pytest.mark.slow
def test_a_wheel_brings_the_recipes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("ssltoolbox-*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "mine.yaml").write_text("recipe: 1\nextends: paper/g\nseed: 3\n")
    arguments = ["check", "quickstart", "mine.yaml"]
    environment = os.environ | {"PYTHONPATH": str(tmp_path / "site"), "COLUMNS": "200"}
    done = subprocess.run(
        [sys.executable, "-m", "ssltoolbox", *arguments],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert "quickstart" in done.stdout
    assert "simclr temperature=0.07" in done.stdout
    assert "site/ssltoolbox/recipes/paper/base.yaml:" in done.stderr
