"""The recipes that come with the toolbox, such as `quickstart` and `paper/g`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

SUFFIX = ".yaml"

_IN_PACKAGE = Path(__file__).parents[1] / "recipes"
_IN_CHECKOUT = Path(__file__).parents[2] / "recipes"
FOLDER = _IN_PACKAGE if _IN_PACKAGE.is_dir() else _IN_CHECKOUT
"""The folder of these recipes: part of the package in a wheel (see hatch_build.py), else that of the checkout."""


@dataclass(frozen=True)
class ShippedRecipe:
    """A recipe that comes with the toolbox.

    Attributes:
        name: such as `paper/g`.
        path: its file.
    """

    name: str
    path: Path

    @property
    def summary(self) -> str:
        """The first sentence of the comment at the top of the file."""
        lines = [line.removeprefix("#").strip() for line in self._comment()]
        return re.split(r"(?<=\.)\s+(?=[A-Z])", " ".join(lines), maxsplit=1)[0]

    def _comment(self) -> list[str]:
        lines = self.path.read_text(encoding="utf-8").splitlines()
        end = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
        return [line for line in lines[:end] if "$schema" not in line]

    def standalone(self) -> str:
        """The recipe's text for a file in any folder: it extends its parent by name and names no schema file."""
        lines = self.path.read_text(encoding="utf-8").splitlines(keepends=True)
        return "".join(self._anywhere(line) for line in lines if "$schema" not in line)

    def _anywhere(self, line: str) -> str:
        if not (extends := re.fullmatch(r"extends: (\S+)\n", line)):
            return line
        parent = (self.path.parent / extends[1]).resolve().relative_to(FOLDER.resolve())
        return f"extends: {parent.with_suffix('').as_posix()}\n"


def shipped_recipes() -> dict[str, ShippedRecipe]:
    """Name → recipe, of all shipped recipes. Those outside of subfolders come first."""
    files = sorted(FOLDER.rglob(f"*{SUFFIX}"), key=lambda file: (file.parent != FOLDER, file))
    names = (file.relative_to(FOLDER).with_suffix("").as_posix() for file in files)
    return {name: ShippedRecipe(name, file) for name, file in zip(names, files, strict=True)}
