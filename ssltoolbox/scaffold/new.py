"""Copies a plugin's package under another name."""

from __future__ import annotations

import keyword
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ssltoolbox.api import Kind, SslToolboxError, UserError
from ssltoolbox.scaffold.examples import Example, example_of

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


@dataclass(frozen=True)
class NewPlugin:
    """A package that was made.

    Attributes:
        folder: where it is.
        package: the Python package, which is also what a recipe calls the component.
        example: the plugin that it is a copy of.
    """

    folder: Path
    package: str
    example: str


def new_plugin(name: str, kind: Kind, parent: Path, example: str = "") -> NewPlugin:
    """Makes the folder `name` with a complete package in it.

    Args:
        name: what the distribution is called, such as "my-strategy"; its package is then `my_strategy`.
        kind: of the plugin.
        parent: the folder that it is made in.
        example: the plugin to start from; empty for the smallest of the kind.

    Raises:
        UserError: for a name that can't be used, an example that isn't there, or a folder that exists.
        SslToolboxError: where it can't be written; nothing is left of it then.
    """
    package = name.replace("-", "_")
    _check_name(name, package)
    source = example_of(kind, example)
    folder = parent / name
    if folder.exists():
        raise UserError(f"{folder} exists", "choose another name, or remove it")
    names = _Names.of(source, name)
    try:
        for path in _files(source.folder):
            target = folder / names.changed(path.relative_to(source.folder).as_posix())
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(names.changed(path.read_text(encoding="utf-8")), encoding="utf-8")
    except OSError as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise SslToolboxError(f"can't write {folder}: {error.strerror or error}") from error
    return NewPlugin(folder, package, source.name)


def _files(folder: Path) -> Iterator[Path]:
    """All files below a folder, except hidden and compiled ones."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part.startswith((".", "__pycache__")) for part in parts):
            yield path


def _check_name(name: str, package: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(package):
        raise UserError(
            f"{name!r} can't name a package", "use small letters, digits and dashes, such as my-strategy"
        )
    if find_spec(package) is not None:
        raise UserError(f"there is a Python package {package!r} already", "choose another name")


@dataclass(frozen=True)
class _Names:
    """Replacements of the plugin's names: pairs of a regular expression and its replacement."""

    changes: Mapping[str, str]

    @classmethod
    def of(cls, example: Example, name: str) -> _Names:
        """
        Args:
            example: the plugin that is copied.
            name: the new distribution.
        """
        old, package = example.name, name.replace("-", "_")
        new_class = "".join(word.capitalize() for word in package.split("_"))
        return cls(
            {
                f"ssltoolbox_{old}": package,
                f"ssltoolbox-{old.replace('_', '-')}": name,
                rf"{old}(?![a-z])": package,
                rf"{example.class_name}(?=Options\b|\b)": new_class,
            }
        )

    def changed(self, text: str) -> str:
        """The text under the new names, but for what says whose idea it was.

        Examples:
            >>> names = _Names.of(example_of(Kind.NEGATIVE_SAMPLERS, "hard_neg"), "my-strategy")
            >>> names.changed("from ssltoolbox_hard_neg import HardNegOptions")
            'from my_strategy import MyStrategyOptions'
            >>> names.changed("hard_neg draws hard_negatives")
            'my_strategy draws hard_negatives'
        """
        new = list(self.changes.values())
        pattern = re.compile("|".join(f"({old})" for old in self.changes))
        body, source, rest = text.partition("\nSource: ")
        return pattern.sub(lambda found: new[(found.lastindex or 1) - 1], body) + source + rest
