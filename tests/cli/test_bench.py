"""`ssltoolbox bench` before it runs anything."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.cli.main import run
from ssltoolbox.support.files import locked

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files relative to the working folder; without a terminal there are 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    write_recipe(tmp_path, "a.yaml", name="a")
    write_recipe(tmp_path, "b.yaml", name="b", method="none")
    (tmp_path / "grid.yaml").write_text("recipes: [a.yaml, b.yaml]\nsweep: {data.world: [0, 1]}\n")


def test_a_dry_run_writes_nothing(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    before = sorted(tmp_path.iterdir())
    assert run(["bench", "grid.yaml", "--out", "out", "--dry-run"]) == 0
    assert sorted(tmp_path.iterdir()) == before
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    golden("\n".join(lines))


def test_a_wrong_grid_runs_nothing(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    (tmp_path / "grid.yaml").write_text("recipes: [a.yaml]\nbaseline: b\n")
    assert run(["bench", "grid.yaml", "--out", "out"]) == 2
    golden(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_a_folder_in_use(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    with locked(tmp_path / "out"):
        assert run(["bench", "grid.yaml", "--out", "out"]) == 2
    golden(capsys.readouterr().err)


def test_a_file_for_a_folder(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    (tmp_path / "out").touch()
    assert run(["bench", "grid.yaml", "--out", "out"]) == 2
    golden(capsys.readouterr().err)


def test_the_schema_of_grids(capsys: Capture) -> None:
    assert run(["schema", "--grid"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"recipes", "seeds", "baseline"} <= set(schema["properties"])
