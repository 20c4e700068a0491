"""What a user reads when a recipe is wrong, word for word.

Each folder under `errors` is a case: `recipe.yaml`, what else it takes, and `expected.txt`. The command is
`check CASE/recipe.yaml` unless a file `args` names another. `pytest --update-golden` writes the texts anew.
"""

from __future__ import annotations

import os
import shlex
import shutil
from pathlib import Path

import pytest

from ssltoolbox.cli.main import run

ERRORS = Path(__file__).with_name("errors")
CASES = sorted(path.parent.name for path in ERRORS.glob("*/recipe.yaml"))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of all cases, and the working folder: messages name files relative to it."""
    copy = tmp_path / "errors"
    shutil.copytree(ERRORS, copy)
    monkeypatch.chdir(copy)
    monkeypatch.setenv("COLUMNS", "120")
    return copy


def files_in(folder: Path) -> set[str]:
    return {os.path.join(path, name) for path, _, names in os.walk(folder) for name in names}


@pytest.mark.parametrize("case", CASES)
def test_a_wrong_recipe_gives_its_golden_error(
    case: str, folder: Path, request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = folder / case / "args"
    command = arguments.read_text() if arguments.exists() else f"check {case}/recipe.yaml"
    before = files_in(folder)
    code = run(shlex.split(command))
    printed = capsys.readouterr()
    text = printed.err.replace(f"{folder}{os.sep}", "")
    if request.config.getoption("update_golden"):
        (ERRORS / case / "expected.txt").write_text(text)
    assert (code, printed.out) == (2, "")
    assert text == (ERRORS / case / "expected.txt").read_text()
    assert files_in(folder) == before


def test_the_recipe_that_the_cases_change_is_right(folder: Path) -> None:
    assert run(["check", "base.yaml"]) == 0
