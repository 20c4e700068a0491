"""Finds the file of a recipe from a path or a name."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from ssltoolbox.api import is_url
from ssltoolbox.api.suggest import suggest
from ssltoolbox.recipe.place import Place
from ssltoolbox.recipe.problems import RecipeProblem, quoted, shown_path
from ssltoolbox.recipe.shipped import SUFFIX, shipped_recipes
from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED

SUFFIXES = (SUFFIX, ".yml")


def find_recipe(
    written: str, path: Path, named_at: Place | None = None
) -> tuple[Path | None, list[RecipeProblem]]:
    """The file of a recipe, or None, and problems or warnings for the user.

    A name without `.yaml` is that of a file, with or without `.yaml`, else that of a recipe that comes with the
    toolbox.

    Args:
        written: what the user wrote.
        path: the same as an absolute path.
        named_at: its place in a file; None on the command line and in Python.

    Returns:
        The file, and a warning where it hides a recipe of the toolbox; or None, and an error. The reader
        reports a file that exists and can't be read.
    """
    if is_url(written):
        return None, [RecipeProblem(named_at or Place(written), NOT_SUPPORTED, ADVICE)]
    shipped = None if written.endswith(SUFFIXES) else shipped_recipes().get(written)
    file = _file(written, path)
    if file and shipped and not file.samefile(shipped.path):
        return file, [_hides(file, written, named_at)]
    if found := file or (shipped and shipped.path) or (_is_there(path) and path):
        return found, []
    return None, [_no_such_recipe(written, path, named_at)]


def _file(written: str, path: Path) -> Path | None:
    names = [path.name] if written.endswith(SUFFIXES) else [path.name, path.name + SUFFIX]
    return next((file for name in names if os.path.isfile(file := path.parent / name)), None)


def _is_there(path: Path) -> bool:
    """True also for a file that can't be accessed: its reader reports why."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except (OSError, ValueError):
        return True
    return True


def _hides(file: Path, name: str, named_at: Place | None) -> RecipeProblem:
    message = f"{shown_path(file)} is used, not the recipe {quoted(name)} that comes with ssltoolbox"
    whole = f"; write {quoted(name + SUFFIX)} to use it without this warning" if file.suffix == SUFFIX else ""
    return RecipeProblem(
        named_at or Place(str(file)), message, f"rename it to use the other{whole}", warning=True
    )


def _no_such_recipe(written: str, path: Path, named_at: Place | None) -> RecipeProblem:
    is_name = not written.endswith(SUFFIXES)
    if is_name:
        message = f"there is no recipe {quoted(written)}"
        advice = "name a file, or a recipe that comes with ssltoolbox: ssltoolbox recipes list"
    else:
        message = f"there is no file {shown_path(path)}" if named_at else "there is no such file"
        advice = "paths are relative to the file that names them" if named_at else ""
    meant = next(_meant(path, named_at), None)
    return RecipeProblem(named_at or Place(str(path)), message, f"did you mean {meant}?" if meant else advice)


def _meant(path: Path, named_at: Place | None) -> Iterator[str]:
    """The recipes that the user may have meant, the likeliest first."""
    stem = _stem(path)
    whole = path.with_name(stem).as_posix()
    shipped = shipped_recipes()
    yield from (_shipped(name) for name in shipped if whole.endswith(f"/{name}"))
    if near := neighbour(path, not_file=named_at.file if named_at else ""):
        yield f"'{shown_path(near)}'"
    in_folders = [name for name in shipped if "/" in name]
    if name := suggest(f"{path.parent.name}/{stem}", in_folders) or suggest(
        stem, shipped.keys() - in_folders
    ):
        yield _shipped(name)


def neighbour(path: Path, not_file: str = "") -> Path | None:
    """The YAML file in the same folder with the most similar name; None if none is similar.

    Only the names before the suffix are compared: all YAML files have that in common.
    """
    files = {file.stem: file for suffix in SUFFIXES for file in path.parent.glob(f"*{suffix}")}
    near = suggest(_stem(path), {stem: file for stem, file in files.items() if str(file) != not_file})
    return files[near] if near else None


def _stem(path: Path) -> str:
    return path.stem if path.name.endswith(SUFFIXES) else path.name


def _shipped(name: str) -> str:
    return f"'{name}', which comes with ssltoolbox"
