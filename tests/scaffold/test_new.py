"""`ssltoolbox plugins new`: packages that work at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from ssltoolbox.api import KINDS, Kind, UserError
from ssltoolbox.scaffold import new_plugin

ROOT = Path(__file__).parents[2]
CLASSES = {
    Kind.POSITIVE_GENERATORS: ("TimeAug", "TimeAugOptions"),
    Kind.NEGATIVE_SAMPLERS: ("HardNeg", "HardNegOptions"),
    Kind.NEGATIVE_MASKERS: ("NearInTime", "NearInTimeOptions"),
    Kind.METHODS: ("NNCLR", "NNCLROptions"),
    Kind.AUXILIARY_LOSSES: ("SteadyFeatures", "SteadyFeaturesOptions"),
    Kind.VIEWS: ("SoftFocus", "SoftFocusOptions"),
    Kind.DATASETS: ("BreathingDiscs", "BreathingDiscsOptions"),
    Kind.EVALUATORS: ("NearestFrame", "NearestFrameOptions"),
    Kind.LANDMARK_DETECTORS: ("BrightestSpot", "BrightestSpotOptions"),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=str)


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


@each_kind
def test_nothing_is_called_as_the_template(kind: Kind, tmp_path: Path) -> None:
    made = new_plugin("happy-faces", kind, tmp_path)
    assert (made.folder, made.package) == (tmp_path / "happy-faces", "happy_faces")
    found = files(made.folder)
    assert {"README.md", "pyproject.toml", "happy_faces/__init__.py", "happy_faces/py.typed"} <= set(found)
    assert "tests/test_contract.py" in found
    for name, text in found.items():
        body = text.partition("\nSource: ")[0]
        for old in (made.template, made.template.replace("_", "-"), *CLASSES[kind]):
            assert old not in name
            assert not re.search(rf"{old}(?![a-zA-Z])", body)


@each_kind
def test_it_is_described_as_a_package(kind: Kind, tmp_path: Path) -> None:
    settings = tomllib.loads(
        (new_plugin("my-strategy", kind, tmp_path).folder / "pyproject.toml").read_text()
    )
    assert settings["project"]["name"] == "my-strategy"
    assert settings["project"]["entry-points"]["ssltoolbox"] == {"my_strategy": "my_strategy"}
    assert settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["my_strategy"]


@pytest.mark.slow
@each_kind
def test_it_passes_its_own_tests_and_the_linters_and_is_built(kind: Kind, tmp_path: Path) -> None:
    folder = new_plugin("my-strategy", kind, tmp_path).folder
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
    for kind in KINDS.values():
        here, there = tmp_path / "here" / kind.name, tmp_path / "there" / kind.name
        for parent in (here, there):
            parent.mkdir(parents=True)
        expected = files(new_plugin("my-strategy", kind, here).folder)
        command = ("-m", "ssltoolbox", "plugins", "new", "my-strategy", "--kind", kind.name)
        run(there, *command, PYTHONPATH=str(site))
        assert files(there / "my-strategy") == expected
    assert "__pycache__" not in " ".join(zipfile.ZipFile(wheel).namelist())


def test_the_wheel_has_every_template() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    hook = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    built_in = {path.name for path in (ROOT / "plugins").iterdir()}
    assert hook["templates"] == [kind.template for kind in KINDS.values() if kind.template in built_in]


@pytest.mark.parametrize("name", ["My-Strategy", "2fast", "a--b", "../up", "class", "", "a b"])
def test_names_that_no_package_can_have(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        new_plugin(name, Kind.NEGATIVE_SAMPLERS, tmp_path)
    assert str(caught.value) == (
        f"{name!r} can't name a package; use small letters, digits and dashes, such as my-strategy"
    )
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
