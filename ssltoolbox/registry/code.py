"""The version of the code of a result: of the toolbox and of the installed plugins."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from ssltoolbox.registry.contract import GROUP

NOT_IN_RESULTS = ("bench", "cli", "report")
"""Packages that do not affect results: finished runs stay valid after an edit there."""


def code_version() -> str:
    """A digest of the source of the toolbox and of every installed plugin.

    It is the same in every clone, with tags and without.
    """
    return digest_of(_sources())


def digest_of(files: Iterable[Path]) -> str:
    """A digest of files' names and contents, wherever they lie and in any order."""
    lines = [f"{hashlib.sha256(file.read_bytes()).hexdigest()} {file.name}" for file in set(files)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()[:12]


def _sources() -> Iterator[Path]:
    modules = {point.module.split(".")[0] for point in entry_points(group=GROUP)}
    for name in {"ssltoolbox", *modules}:
        spec = find_spec(name)
        folders = list(spec.submodule_search_locations or ()) if spec else []
        if spec and spec.origin and not folders:
            yield Path(spec.origin)
        for folder in map(Path, folders):
            yield from (
                file for file in folder.rglob("*") if _in_results(name, file.relative_to(folder), file)
            )


def _in_results(package: str, inside: Path, file: Path) -> bool:
    if package == "ssltoolbox" and inside.parts[0] in NOT_IN_RESULTS:
        return False
    return file.is_file() and file.suffix != ".pyc" and not any(part.startswith(".") for part in inside.parts)
