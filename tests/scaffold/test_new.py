"""`ssltoolbox plugins new`: packages that work at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.golden import Golden

from ssltoolbox.api import KINDS, Kind, UserError
from ssltoolbox.scaffold import Example, examples, new_plugin
from ssltoolbox.testing import examine

ROOT = Path(__file__).parents[2]
HEAVY = ("nnclr",)
"""Examples whose default sizes make them slow to try."""


def example_cases(*heavy: str) -> pytest.MarkDecorator:
    """One case for each example; those named are marked as slow."""
    cases = [
        pytest.param(
            kind, example, id=f"{kind}-{example.name}", marks=[pytest.mark.slow] * (example.name in heavy)
        )
        for kind, example in examples()
    ]
    return pytest.mark.parametrize(("kind", "example"), cases)


each_example = example_cases()


@pytest.fixture
def importable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose subfolders' packages can be imported, and are forgotten after the test."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(str(tmp_path)):
            del sys.modules[name]


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """What a Python process says that runs in a folder."""
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def files(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text() for path in folder.rglob("*") if path.is_file()
    }


def test_the_first_example_of_a_kind_is_the_default(tmp_path: Path) -> None:
    for kind in KINDS.values():
        made = new_plugin(f"my-{kind.singular.replace(' ', '-')}", kind, tmp_path)
        assert made.example == kind.examples[0]


def test_an_example_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"'hard_negs'.*'hard_neg'"):
        new_plugin("my-strategy", Kind.NEGATIVE_SAMPLERS, tmp_path, "hard_negs")
    with pytest.raises(UserError, match=r"'hard_neg'.*soft_focus"):
        new_plugin("my-strategy", Kind.VIEWS, tmp_path, "hard_neg")
    assert list(tmp_path.iterdir()) == []


@each_example
def test_nothing_is_called_as_the_example(kind: Kind, example: Example, tmp_path: Path) -> None:
    made = new_plugin("happy-faces", kind, tmp_path, example.name)
    assert (made.folder, made.package) == (tmp_path / "happy-faces", "happy_faces")
    found = files(made.folder)
    assert {"README.md", "pyproject.toml", "happy_faces/__init__.py", "happy_faces/py.typed"} <= set(found)
    assert "tests/test_contract.py" in found
    for name, text in found.items():
        body = text.partition("\nSource: ")[0]
        classes = (example.class_name, f"{example.class_name}Options")
        for old in (example.name, example.name.replace("_", "-"), *classes):
            assert old not in name
            assert not re.search(rf"{old}(?![a-zA-Z])", body)


@each_example
def test_a_new_plugin_is_described_as_a_package(kind: Kind, example: Example, tmp_path: Path) -> None:
    folder = new_plugin("my-strategy", kind, tmp_path, example.name).folder
    settings = tomllib.loads((folder / "pyproject.toml").read_text())
    assert settings["project"]["name"] == "my-strategy"
    assert settings["project"]["entry-points"]["ssltoolbox"] == {"my_strategy": "my_strategy"}
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["my_strategy"]


@example_cases(*HEAVY)
def test_a_new_plugin_keeps_its_contract(kind: Kind, example: Example, importable: Path) -> None:
    made = new_plugin("my-strategy", kind, importable, example.name)
    sys.path.insert(0, str(made.folder))
    findings = examine(made.package)
    assert {finding.component for finding in findings} == {f"{kind.singular} 'my_strategy'"}
    assert [finding.advice for finding in findings if finding.advice] == []


@pytest.mark.slow
@each_example
def test_it_passes_its_own_tests_and_the_linters_and_is_built(
    kind: Kind, example: Example, tmp_path: Path
) -> None:
    folder = new_plugin("my-strategy", kind, tmp_path, example.name).folder
    assert " passed" in run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    # How imports are sorted depends on the name.
    run(folder, "-m", "ruff", "check", "--no-cache", "--line-length", "115", "--ignore", "I001", ".")
    run(
        folder,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "dist",
        ".",
    )
    with zipfile.ZipFile(folder / "dist" / "my_strategy-0.1.0-py3-none-any.whl") as wheel:
        assert {"my_strategy/__init__.py", "my_strategy/py.typed"} <= set(wheel.namelist())


@pytest.mark.slow
def test_an_installed_wheel_makes_the_same_packages(tmp_path: Path) -> None:
    options = ("--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path))
    run(ROOT, "-m", "pip", "wheel", *options, ".")
    (wheel,) = tmp_path.glob("ssltoolbox-*.whl")
    site = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(site)
    for kind, example in examples():
        here, there = (tmp_path / place / kind.name / example.name for place in ("here", "there"))
        for parent in (here, there):
            parent.mkdir(parents=True)
        expected = files(new_plugin("my-strategy", kind, here, example.name).folder)
        command = ("-m", "ssltoolbox", "plugins", "new", "my-strategy", "--kind", kind.name)
        run(there, *command, "--example", example.name, PYTHONPATH=str(site))
        assert files(there / "my-strategy") == expected
    assert "__pycache__" not in " ".join(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_has_every_example() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    built_in = {path.name for path in (ROOT / "plugins").iterdir()}
    used = {example.name for _, example in examples()}
    assert sorted(hook["templates"]) == sorted(used & built_in)


@pytest.mark.parametrize("name", ["My-Strategy", "2fast", "a--b", "../up", "class", "", "a b"])
def test_names_that_no_package_can_have(name: str, tmp_path: Path, golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        new_plugin(name, Kind.NEGATIVE_SAMPLERS, tmp_path)
    golden(str(caught.value))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["torch", "ssltoolbox", "hard-neg"])
def test_names_that_are_taken(name: str, tmp_path: Path) -> None:
    if name == "hard-neg":
        (tmp_path / name).mkdir()
        expected = f"{tmp_path / name} exists; choose another name, or remove it"
    else:
        expected = f"there is a Python package {name!r} already; choose another name"
    with pytest.raises(UserError) as caught:
        new_plugin(name, Kind.NEGATIVE_SAMPLERS, tmp_path)
    assert str(caught.value) == expected
