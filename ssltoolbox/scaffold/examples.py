"""The plugins that are copied for each kind, and where their packages lie."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ssltoolbox.api import KINDS, Kind, UserError
from ssltoolbox.api.errors import one_of
from ssltoolbox.api.suggest import did_you_mean

_CHECKOUT = Path(__file__).parents[2] / "plugins"
_OURS = Path(__file__).parent / "packages"
"""The examples; in a wheel the built-in plugins are beside them, see hatch_build.py."""


@dataclass(frozen=True)
class Example:
    """A plugin to start from.

    Attributes:
        name: of the component.
        folder: of its package.
    """

    name: str
    folder: Path

    @cached_property
    def summary(self) -> str:
        """What it does, in one line.

        Examples:
            >>> example_of(Kind.NEGATIVE_SAMPLERS, "hard_neg").summary
            'Hard negatives from the same clip.'
        """
        project = tomllib.loads((self.folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return project["description"].removesuffix(", for ssltoolbox.").removesuffix(".") + "."

    @cached_property
    def class_name(self) -> str:
        """The name of the component's class; the class of its options has `Options` appended.

        Examples:
            >>> example_of(Kind.NEGATIVE_SAMPLERS, "hard_neg").class_name
            'HardNeg'
        """
        hooks = self.folder / f"ssltoolbox_{self.name}" / "__init__.py"
        options = re.search(r"class (\w+)Options\(", hooks.read_text(encoding="utf-8"))
        assert options is not None, f"{self.name} has no options"
        return options[1]


def example_of(kind: Kind, name: str = "") -> Example:
    """The example of that kind and name; the smallest one if no name is given.

    Raises:
        UserError: where there is none of that name.
    """
    if name and name not in kind.examples:
        hint = did_you_mean(name, kind.examples) or f"write {one_of(kind.examples)}"
        raise UserError(f"there is no example {name!r} of a {kind.singular}", hint)
    name = name or kind.examples[0]
    folders = [root / name for root in (_CHECKOUT, _OURS)]
    return Example(name, next(folder for folder in folders if (folder / "pyproject.toml").is_file()))


def examples() -> Iterator[tuple[Kind, Example]]:
    """The examples of all kinds, the smallest of a kind first."""
    return ((kind, example_of(kind, name)) for kind in KINDS.values() for name in kind.examples)
