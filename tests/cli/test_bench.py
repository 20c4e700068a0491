"""`ssltoolbox bench` before it runs anything."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.cli.main import run

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


def test_a_file_for_a_folder(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    (tmp_path / "out").touch()
    assert run(["bench", "grid.yaml", "--out", "out"]) == 2
    golden(capsys.readouterr().err)


def test_the_commands_of_all_runs(tmp_path: Path, capsys: Capture) -> None:
    assert run(["bench", "grid.yaml", "--out", "out", "--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert run(["bench", "grid.yaml", "--out", "out", "--list", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)
    assert [shlex.split(line) for line in lines] == [its["command"] for its in runs]
    assert [(its["recipe"], its["point"]["data.world"]) for its in runs] == [
        ("a", 0),
        ("a", 1),
        ("b", 0),
        ("b", 1),
    ]
    assert {its["state"] for its in runs} == {"new"}
    for its in runs:
        recipe = Path(its["command"][its["command"].index("train") + 1])
        assert run(["check", str(recipe)]) == 0


def finish(run_folder: str) -> None:
    """The files of a run that a user has made."""
    folder = Path(run_folder)
    folder.mkdir(parents=True)
    metrics = [
        {"key": "f1", "label": "macro-F1", "better": "higher", "phrase": "tell expressions apart with"}
    ]
    found = {"expression": {"f1": 0.5, "metrics": metrics}}
    folder.joinpath("evaluation.json").write_text(json.dumps(found))
    folder.joinpath("backbone.safetensors").touch()
    folder.joinpath("recipe.yaml").write_text("recipe: 1\nname: a\ndata: {name: synthetic_faces}\n")


def test_what_exists_becomes_the_table(tmp_path: Path, capsys: Capture) -> None:
    run(["bench", "grid.yaml", "--out", "out", "--list", "--json"])
    first = json.loads(capsys.readouterr().out)[0]
    finish(first["folder"])
    assert run(["bench", "grid.yaml", "--out", "out", "--collect"]) == 0
    assert "1 of 4 runs" in capsys.readouterr().err
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert [its["state"] for its in results["runs"]] == ["cached", "waiting", "waiting", "waiting"]
    assert "0.50" in (tmp_path / "out/table.md").read_text()
    assert (tmp_path / "out/report.html").exists()


def test_collecting_before_any_run_exits_with_1(tmp_path: Path, capsys: Capture) -> None:
    assert run(["bench", "grid.yaml", "--out", "out", "--collect"]) == 1
    assert "0 of 4 runs" in capsys.readouterr().err


@pytest.mark.parametrize("options", [["--list", "--collect"], ["--json"], ["--dry-run", "--list"]])
def test_options_that_exclude_each_other(tmp_path: Path, options: list[str]) -> None:
    assert run(["bench", "grid.yaml", "--out", "out", *options]) == 2
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_listing_imports_no_torch(tmp_path: Path) -> None:
    code = (
        "import sys; from ssltoolbox.cli.main import run\n"
        "run(['bench', 'grid.yaml', '--out', 'out', '--list']); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], stdout=subprocess.DEVNULL).returncode == 0


def test_the_schema_of_grids(capsys: Capture) -> None:
    assert run(["schema", "--grid"]) == 0
    schema = json.loads(capsys.readouterr().out)
    assert {"recipes", "seeds", "baseline"} <= set(schema["properties"])
