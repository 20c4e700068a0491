"""The default folder of a run is its own."""

import json
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Self

import pytest

from ssltoolbox.api import DataFacts, LabelFacts, UserError
from ssltoolbox.engine.runs import folder
from ssltoolbox.engine.runs.folder import RunFolder


class Frozen(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return cls(2026, 1, 1)


def test_runs_that_start_in_the_same_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folder, "datetime", Frozen)
    paths = [RunFolder.of_now("tiny").path for _ in range(3)]
    assert len(set(paths)) == 3
    assert all(path.is_dir() for path in paths)


def facts_with(**label_facts: LabelFacts) -> DataFacts:
    sizes = {"clips": 2, "identities": 2, "frames": 2, "fps": 1.0, "size": 8, "shortest": 1, "longest": 1}
    return DataFacts(**sizes, labels=frozenset({"expression"}), label_facts=label_facts)


def test_labels_that_are_counted_now_are_no_change_of_the_data(tmp_path: Path) -> None:
    run, world = RunFolder(tmp_path / "run"), {"processes": 1}
    run.path.mkdir()
    run.begin("name: tiny", facts_with(), world)
    assert run.resume("name: tiny", facts_with(expression=LabelFacts(2, (1, 1))), world, ()) == []


def test_other_labels_are_a_change_of_the_data(tmp_path: Path) -> None:
    run, world = RunFolder(tmp_path / "run"), {"processes": 1}
    run.path.mkdir()
    run.begin("name: tiny", facts_with(expression=LabelFacts(2, (1, 1))), world)
    with pytest.raises(UserError, match="label_facts"):
        run.resume("name: tiny", facts_with(expression=LabelFacts(2, (0, 2))), world, ())


def test_a_resume_on_other_processes_is_reported_once(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.begin("name: tiny", facts_with(), {"processes": 1, "nodes": 1})
    (line,) = run.resume("name: tiny", facts_with(), {"processes": 4, "nodes": 2}, ())
    assert "1 process" in line
    assert "4 processes on 2 nodes" in line
    written = json.loads(run.environment.read_text())
    assert written["world"]["processes"] == 1
    assert written["resumed"][-1]["world"]["processes"] == 4
    assert run.resume("name: tiny", facts_with(), {"processes": 4, "nodes": 2}, ()) == []


MOVED = """\
data: {index: /lab/faces.index}
evaluate: [{name: expression, data: {name: labelled, root: /lab/labelled}}]
plugins: {files: [/lab/mine.py]}
"""


def test_a_run_resumes_after_its_files_have_moved(tmp_path: Path) -> None:
    """Also those of tasks and plugins; recipe.yaml has the new paths then."""
    run, world = RunFolder(tmp_path / "run"), {"processes": 1}
    run.path.mkdir()
    run.begin(MOVED, facts_with(), world)
    now = MOVED.replace("/lab/", "/scratch/lab/")
    assert run.resume(now, facts_with(), world, ()) == []
    assert run.recipe.read_text() == now


def test_another_file_is_another_recipe(tmp_path: Path) -> None:
    """The message names the option, also that of a component in a list."""
    run, world = RunFolder(tmp_path / "run"), {"processes": 1}
    run.path.mkdir()
    run.begin(MOVED, facts_with(), world)
    with pytest.raises(
        UserError, match=r"evaluate\.0\.data\.root: '/lab/labelled' there, '/lab/other' now\nname"
    ):
        run.resume(MOVED.replace("/lab/labelled", "/lab/other"), facts_with(), world, ())
    assert run.recipe.read_text() == MOVED
