"""Copies a plugin's package and renames what names it."""

from __future__ import annotations

import keyword
import re
import shutil
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ssltoolbox.api import Kind, UserError
from ssltoolbox.scaffold.templates import TEMPLATES, template_folder

_NAME = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


@dataclass(frozen=True)
class NewPlugin:
    """A package that was made.

    Attributes:
        folder: where it is.
        package: the Python package, which is also what a recipe calls the component.
        template: the built-in plugin that it is a copy of.
    """

    folder: Path
    package: str
    template: str


def new_plugin(name: str, kind: Kind, parent: Path) -> NewPlugin:
    """Makes the folder `name` with a complete package in it.

    Args:
        name: what the distribution is called, such as "my-strategy"; its package is then `my_strategy`.
        kind: one of `TEMPLATES`.
        parent: the folder that it is made in.

    Raises:
        UserError: for a name that can't be used, a folder that exists, or a kind without a template.
    """
    if kind not in TEMPLATES:
        raise UserError(
            f"there is no package to copy for a {kind.singular}",
            "start from a file: plugins/README.md has one of each kind",
        )
    package = name.replace("-", "_")
    _check_name(name, package)
    folder = parent / name
    if folder.exists():
        raise UserError(f"{folder} exists", "choose another name, or remove it")
    template = TEMPLATES[kind]
    shutil.copytree(template_folder(kind), folder, ignore=_IGNORED)
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_file():
            path.write_text(_renamed(path.read_text(encoding="utf-8"), template, name), encoding="utf-8")
        path.rename(path.with_name(_renamed(path.name, template, name)))
    return NewPlugin(folder, package, template)


def _check_name(name: str, package: str) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(package):
        raise UserError(
            f"{name!r} can't name a package", "use small letters, digits and dashes, such as my-strategy"
        )
    if find_spec(package) is not None:
        raise UserError(f"there is a Python package {package!r} already", "choose another name")


def _renamed(text: str, template: str, name: str) -> str:
    """The text with the template's names replaced, but in the lines that say whose idea it was.

    >>> _renamed("from ssltoolbox_hard_neg import HardNegOptions", "hard_neg", "my-strategy")
    'from my_strategy import MyStrategyOptions'
    """
    package, old_dashed = name.replace("-", "_"), template.replace("_", "-")
    changes = {
        f"ssltoolbox_{template}": package,
        f"ssltoolbox-{old_dashed}": name,
        template: package,
        _camel(template): _camel(package),
    }
    pattern = re.compile("|".join(map(re.escape, changes)))
    body, source, rest = text.partition("\nSource: ")
    return pattern.sub(lambda found: changes[found[0]], body) + source + rest


def _camel(snake: str) -> str:
    return "".join(word.capitalize() for word in snake.split("_"))
