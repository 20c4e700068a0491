"""Values of a recipe with their places."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Scalar = str | int | float | bool | None
Key = str | int

SET = "--set"
"""`Place.file` of a value from `--set`."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a file, on the command line, or in a value of Python.

    Attributes:
        file: the absolute path of the file; or the option of the command line, or the field of a value of Python.
        line, column: counted from 1; line 0 means the file as a whole.
        text_line: the text of that line.
    """

    file: str
    line: int = 0
    column: int = 0
    text_line: str = ""

    @property
    def is_typed(self) -> bool:
        """True for a place that is not in a file."""
        return not os.path.isabs(self.file)

    @property
    def folder(self) -> Path:
        """The folder that a path written here is relative to."""
        return Path.cwd() if self.is_typed else Path(self.file).parent


@dataclass(frozen=True, slots=True)
class Located:
    """A value of a recipe with its place.

    Attributes:
        value: a scalar, or the children of a list or a mapping.
        place: of its first character.
        key_place: the place of its key, in a mapping.
        generation: how far away it was written: 0 for what sets a value in a recipe from elsewhere (the command
            line, a grid, Python), 1 for the recipe itself, 2 for its parent, and so on.
    """

    value: Scalar | list[Located] | dict[str, Located]
    place: Place
    key_place: Place | None = None
    generation: int = 0

    @property
    def best_place(self) -> Place:
        """The place for problems of the whole value: its key, if it has one."""
        return self.key_place or self.place

    def holding(self, value: Scalar | list[Located] | dict[str, Located]) -> Located:
        """Another value at the same place."""
        return replace(self, value=value)

    def with_child(self, key: Key, child: Located) -> Located:
        """The same mapping or list with another child under a key or at an index that it has."""
        if isinstance(self.value, dict):
            return self.holding({**self.value, str(key): child})
        return self.holding([child if index == key else other for index, other in self.items()])

    def aged(self, generation: int) -> Located:
        """The same tree with another generation."""
        aged = replace(self, generation=generation)
        if isinstance(self.value, dict):
            return aged.holding({key: child.aged(generation) for key, child in self.value.items()})
        if isinstance(self.value, list):
            return aged.holding([child.aged(generation) for child in self.value])
        return aged

    @property
    def mapping(self) -> dict[str, Located]:
        """The values by key; empty if it is not a mapping."""
        return self.value if isinstance(self.value, dict) else {}

    def child(self, key: Key) -> Located | None:
        """The value under a key or at an index; None if there is none.

        >>> Located({"a": Located(1, Place("x"))}, Place("x")).child("a").value
        1
        """
        if isinstance(self.value, dict):
            return self.value.get(str(key))
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]
        return None

    def items(self) -> Iterator[tuple[Key, Located]]:
        """The children with their keys or indices; none for a scalar."""
        if isinstance(self.value, dict):
            yield from self.value.items()
        elif isinstance(self.value, list):
            yield from enumerate(self.value)

    def leaves(self) -> Iterator[Located]:
        """The scalars in it; the value itself if it is one, or is empty."""
        children = [child for _, child in self.items()]
        if not children:
            yield self
        for child in children:
            yield from child.leaves()

    def keyed_leaves(self, key: str = "") -> Iterator[tuple[str, Located]]:
        """The scalars in it with their dotted keys, such as `maskers.0.attract`."""
        children = list(self.items())
        if not children:
            yield key, self
        for name, child in children:
            yield from child.keyed_leaves(f"{key}.{name}".lstrip("."))

    def plain(self) -> Any:
        """The value without places: scalars, lists and dicts."""
        if isinstance(self.value, dict):
            return {key: child.plain() for key, child in self.value.items()}
        if isinstance(self.value, list):
            return [child.plain() for child in self.value]
        return self.value


def resolve_path(located: Located) -> Path:
    """The absolute path that a text stands for: relative to the file that names it, `~` for the home folder.

    `..` is followed as the system follows it: after a symbolic link it is the parent of the link's target.
    """
    path = located.place.folder / os.path.expanduser(str(located.value))
    return Path(os.path.realpath(path)) if ".." in path.parts else path.absolute()
