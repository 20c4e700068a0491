"""The root's pyproject.toml, the plugins' own, and what is installed say the same."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from importlib import import_module
from importlib.metadata import entry_points, metadata
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import yaml

from ssltoolbox import __version__
from ssltoolbox.registry import Provided, discover

ROOT = Path(__file__).parent.parent
FOLDERS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
EXAMPLES = sorted(path.parent for path in ROOT.glob("ssltoolbox/scaffold/packages/*/pyproject.toml"))
COMPONENTS = [item for item in discover().all() if item.origin.distribution == "ssltoolbox"]
each_folder = pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
each_component = pytest.mark.parametrize("item", COMPONENTS, ids=lambda item: item.descriptor.name)


def read(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text())


def packages(folder: Path) -> list[str]:
    """What hatch puts into the wheel, relative to the root."""
    listed = read(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return sorted((folder / package).relative_to(ROOT).as_posix() for package in listed)


def test_every_folder_below_plugins_is_a_package_of_its_own() -> None:
    assert {path.name for path in FOLDERS} == {
        path.name for path in (ROOT / "plugins").iterdir() if path.is_dir()
    }


def test_the_wheel_holds_the_engine_and_every_plugin() -> None:
    assert packages(ROOT) == sorted(["ssltoolbox", *(one for folder in FOLDERS for one in packages(folder))])


def test_the_root_registers_its_own_plugins_and_every_folder() -> None:
    registered = read(ROOT)["project"]["entry-points"]["ssltoolbox"]
    theirs = {
        name: module
        for folder in FOLDERS
        for name, module in read(folder)["project"]["entry-points"]["ssltoolbox"].items()
    }
    own = {name: module for name, module in registered.items() if module.startswith("ssltoolbox.")}
    assert registered == own | theirs


def test_what_is_installed_is_what_is_registered() -> None:
    """Where this fails, install again: `pip install -e .`"""
    installed = {
        entry_point.name: entry_point.value
        for entry_point in entry_points(group="ssltoolbox")
        if entry_point.dist and entry_point.dist.name == "ssltoolbox"
    }
    assert installed == read(ROOT)["project"]["entry-points"]["ssltoolbox"]


def test_every_dependency_has_a_reason_and_a_lower_bound() -> None:
    """In the table of CONTRIBUTING.md, which names no other."""
    project = read(ROOT)["project"]
    needed = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    names = {re.split(r"[\[><=]", requirement)[0] for requirement in needed}
    table = (ROOT / "CONTRIBUTING.md").read_text().split("| package | why |")[1].split("\n\n")[0]
    rows = [row.split("|")[1] for row in table.splitlines()[2:]]
    listed = [name.strip() for row in rows for name in re.sub(r"\(.*?\)", "", row).split(",")]
    assert sorted(listed) == sorted(names)
    stubs = {"types-PyYAML"}
    assert [one for one in needed if ">=" not in one and one not in stubs] == []


def test_the_licence_comes_along() -> None:
    project = read(ROOT)["project"]
    assert (project["license"], project["license-files"]) == ("Apache-2.0", ["LICENSE"])
    licence = (ROOT / "LICENSE").read_text()
    assert "Apache License" in licence
    assert "END OF TERMS AND CONDITIONS" in licence
    distribution = metadata("ssltoolbox")
    assert distribution["License-Expression"] == "Apache-2.0"
    assert distribution.get_all("License-File") == ["LICENSE"]


@pytest.mark.parametrize("name", ["dlib", "mediapipe"])
def test_a_detector_whose_model_binds_the_user_has_a_notice(name: str) -> None:
    """Where it is chosen: `Descriptor.notice` is printed."""
    (item,) = (item for item in COMPONENTS if item.descriptor.name == name)
    assert item.descriptor.notice


def test_the_version_is_that_of_the_installed_package() -> None:
    assert "version" in read(ROOT)["project"]["dynamic"]
    assert metadata("ssltoolbox")["Version"] == __version__


@each_folder
def test_a_plugin_package_has_its_entry_points_and_depends_on_the_engine(folder: Path) -> None:
    """Its package exists, its entry points lead into it, it depends on the engine and says what it is."""
    settings = read(folder)
    (package,) = settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert (folder / package / "__init__.py").is_file()
    modules = settings["project"]["entry-points"]["ssltoolbox"].values()
    assert {module.partition(".")[0] for module in modules} == {package}
    assert "ssltoolbox" in settings["project"]["dependencies"]
    assert settings["project"]["readme"] == "README.md"
    assert (folder / "README.md").read_text().startswith(f"# {folder.name}\n")
    assert list(folder.glob("tests/test_*.py"))


@each_folder
def test_a_plugin_package_is_like_the_root(folder: Path) -> None:
    root, settings = read(ROOT), read(folder)
    backends = [each["build-system"] for each in (settings, root)]
    assert backends[0]["build-backend"] == backends[1]["build-backend"]
    assert set(backends[0]["requires"]) <= set(backends[1]["requires"])
    for key in ("license", "requires-python"):
        assert settings["project"][key] == root["project"][key]


def lower_bounds(folder: Path) -> dict[str, tuple[int, ...]]:
    """Package → the lowest version that the project in a folder accepts."""
    found = (re.match(r"([\w-]+).*?>=([\d.]+)", one) for one in read(folder)["project"]["dependencies"])
    return {bound[1]: tuple(map(int, bound[2].split("."))) for bound in found if bound}


@pytest.mark.parametrize("folder", [*FOLDERS, *EXAMPLES], ids=lambda folder: folder.name)
def test_a_plugin_needs_no_newer_versions_than_the_root(folder: Path) -> None:
    root = lower_bounds(ROOT)
    assert {
        name: bound for name, bound in lower_bounds(folder).items() if bound > root.get(name, bound)
    } == {}


@each_folder
def test_tools_look_at_every_plugin(folder: Path) -> None:
    (package,) = read(folder)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    tools = read(ROOT)["tool"]
    contracts = {contract["name"]: contract for contract in tools["importlinter"]["contracts"]}
    assert package in tools["mypy"]["packages"]
    assert package in tools["importlinter"]["root_packages"]
    knows_little = (
        "Strategies know the public api alone",
        "Methods in packages know the api and the public modules alone",
    )
    assert sum(package in contracts[name]["source_modules"] for name in knows_little) == 1
    assert package in contracts["Strategies don't know each other"]["modules"]


def test_every_registered_plugin_provides_something() -> None:
    registered = read(ROOT)["project"]["entry-points"]["ssltoolbox"]
    assert {item.origin.plugin for item in COMPONENTS} == set(registered)
    assert discover().broken == ()


@each_component
def test_every_component_has_a_summary_of_one_sentence(item: Provided) -> None:
    assert 10 <= len(item.descriptor.summary) <= 100
    assert item.descriptor.summary.endswith(".")


@each_component
def test_every_option_is_documented(item: Provided) -> None:
    schema = item.descriptor.options.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    undocumented = [
        name
        for part in parts
        for name, option in part.get("properties", {}).items()
        if not option.get("description", "").strip()
    ]
    assert undocumented == []
    assert item.descriptor.options.__doc__


@each_component
def test_every_target_can_be_called(item: Provided) -> None:
    target = item.load()
    assert callable(target)
    module, _, name = item.descriptor.target.partition(":")
    assert target is getattr(import_module(module), name)


def test_the_citation_names_the_next_version_and_the_licence() -> None:
    """A tree without tags has this version too, and the changelog is about it."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["license"] == read(ROOT)["project"]["license"]
    version = cited["version"]
    assert read(ROOT)["tool"]["hatch"]["version"]["fallback-version"] == f"{version}.dev0"
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[1] == version


def test_the_badges_say_what_the_package_says() -> None:
    project = read(ROOT)["project"]
    badges = (ROOT / "docs" / "figures" / "badges.svg").read_text(encoding="utf-8")
    drawn = dict(zip(*[iter(re.findall(r"<text.*?>(.*?)</text>", badges))] * 2, strict=True))
    assert drawn.pop("python").replace("≥ ", ">=") == project["requires-python"]
    assert drawn.pop("licence") == project["license"]
    assert any(each.lower().endswith(f"- {drawn['status']}") for each in project["classifiers"])


def test_a_release_runs_targets_that_exist() -> None:
    """And its first step finds the version: it compares the tag with a line of CITATION.cff."""
    (job,) = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"].values()
    commands = [step["run"] for step in job["steps"] if "run" in step]
    targets = [command.removeprefix("make ") for command in commands if command.startswith("make ")]
    makefile = (ROOT / "Makefile").read_text()
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    found = subprocess.run(
        ["bash", "-c", commands[0]],
        cwd=ROOT,
        env={**os.environ, "GITHUB_REF_NAME": f"v{cited}"},
        timeout=60,
    )
    assert found.returncode == 0
    other = {**os.environ, "GITHUB_REF_NAME": f"v{cited}1"}
    assert subprocess.run(["bash", "-c", commands[0]], cwd=ROOT, env=other, timeout=60).returncode == 1
