"""URLs where a path is expected: refused by every command, and nothing is made of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from helpers.recipes import write_recipe

from ssltoolbox.api import UserError
from ssltoolbox.cli.common import LocalPath, PathOrUrl
from ssltoolbox.cli.main import commands, run
from ssltoolbox.engine.entry import load_backbone, train
from ssltoolbox.support.paths import NOT_SUPPORTED

Capture = pytest.CaptureFixture[str]
URL = "s3://bucket/thing"


def all_commands(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from all_commands(command, (*path, name))
        else:
            yield (*path, name), command


PATHS = [
    pytest.param(path, parameter, id=f"{' '.join(path)} {parameter.name}")
    for path, command in all_commands(commands)
    for parameter in command.params
    if not isinstance(parameter.type, PathOrUrl)
    if isinstance(parameter.type, click.Path) or parameter.name in ("source", "sources", "data", "target")
    if (path, parameter.name) != (("plugins", "check"), "data")  # names a dataset, not a path
]


def test_there_are_many_paths() -> None:
    assert len(PATHS) > 25


@pytest.mark.parametrize(("path", "parameter"), PATHS)
def test_refused_by_every_command(
    path: tuple[str, ...],
    parameter: click.Parameter,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
) -> None:
    monkeypatch.chdir(tmp_path)
    given = [URL] if isinstance(parameter, click.Argument) else [parameter.opts[0], URL]
    others = [
        word
        for other in dict(all_commands(commands))[path].params
        if other.required and other is not parameter
        for word in ([] if isinstance(other, click.Argument) else [other.opts[0]]) + ["x.png"]
    ]
    before = isinstance(parameter, click.Argument) and parameter.name in ("source", "recipe", "run", "frames")
    assert run([*path, *(given + others if before else others + given)]) == 2
    assert NOT_SUPPORTED in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_path_has_the_type_that_refuses_them() -> None:
    plain = [
        f"{' '.join(path)} {parameter.name}"
        for path, command in all_commands(commands)
        for parameter in command.params
        if isinstance(parameter.type, click.Path) and not isinstance(parameter.type, LocalPath)
    ]
    assert plain == []


@pytest.mark.parametrize("out", [URL, Path(URL)])
def test_python_functions_refuse_urls(
    out: str | Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path)
    for call in (lambda: train(recipe, out=out), lambda: train(out), lambda: load_backbone(out)):
        with pytest.raises(UserError, match=NOT_SUPPORTED):
            call()
    assert list(tmp_path.iterdir()) == [recipe]


@pytest.mark.parametrize("data", [URL, f"{{name: labelled, root: '{URL}'}}"])
def test_embed_refuses_urls_of_data(
    data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = write_recipe(tmp_path)
    assert run(["embed", "random", data, "--recipe", str(recipe), "-o", "x.parquet"]) == 2
    assert NOT_SUPPORTED in capsys.readouterr().err


@pytest.mark.parametrize("recipes", [URL, "s3://bucket/*.yaml"])
def test_refused_in_a_grid(
    recipes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(f"recipes: ['{recipes}']\n")
    assert run(["bench", "grid.yaml", "--out", "out"]) == 2
    assert f"grid.yaml:1:11: {NOT_SUPPORTED}" in capsys.readouterr().err
