"""Problems of a recipe, as texts for its author."""

from __future__ import annotations

import math
import shutil
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from ssltoolbox.api import UserError
from ssltoolbox.api.errors import one_of
from ssltoolbox.recipe.place import Place
from ssltoolbox.support.words import counted

_LONGEST_VALUE = 60
_LONGEST_LINE = 100
_SHORTEST_LINE = 30


@dataclass(frozen=True)
class RecipeProblem:
    """One problem at one place.

    Attributes:
        place: where.
        message: what is wrong.
        hint: what to do; may be empty.
        warning: True lets the run go on.
        unknown: the key that is wrong, if no section of a recipe has a key of this name; else empty.
    """

    place: Place
    message: str
    hint: str = ""
    warning: bool = False
    unknown: str = ""

    def render(self) -> str:
        """`file:line:column: message`, the line with a caret, and the hint."""
        return rendered([self])


class RecipeError(UserError):
    """A recipe that can't be run, with all its problems.

    Args:
        problems: in any order; they are sorted by place, and those that are equal are reported once.
        source: the recipe's file, for the last line of the text.
    """

    def __init__(self, problems: Iterable[RecipeProblem], source: Path | str) -> None:
        self.problems = in_order(problems)
        self.source = source
        super().__init__(self._text())

    def __reduce__(self) -> tuple[type[RecipeError], tuple[list[RecipeProblem], Path | str]]:
        return RecipeError, (self.problems, self.source)

    def _text(self) -> str:
        errors = sum(not problem.warning for problem in self.problems)
        count = f"{counted(errors, 'problem')} in {shown_path(self.source)}"
        return f"{rendered(self.problems)}\n{count}"


def belongs(key: str, sections: Iterable[str]) -> str:
    """The hint for a key that is in the wrong place.

    Args:
        key: the key.
        sections: the sections that have such a key; "" is the recipe itself.
    """
    return f"{quoted(key)} belongs {one_of(map(under, sections))}"


def under(section: str) -> str:
    """Where the keys of a section are; "" is the recipe itself."""
    return f"under {quoted(section)}" if section else "at the top of the recipe"


def rendered(problems: Iterable[RecipeProblem]) -> str:
    """The problems in their order; the line of those that share a place is shown once."""
    lines: list[str] = []
    for place, group in groupby(problems, key=lambda problem: problem.place):
        same = list(group)
        kinds = ("warning: " if problem.warning else "" for problem in same)
        lines += [f"{_address(place)}: {kind}{one.message}" for kind, one in zip(kinds, same, strict=True)]
        gutter = ""
        if place.line:
            number = str(place.line)
            gutter = " " * (len(number) + 1)
            text, caret = _excerpt(place, _room(len(gutter) + len("  | ")))
            lines += [f"  {number} | {text}".rstrip(), f"  {gutter}| {' ' * caret}^"]
        lines += [f"  {gutter}{hint}" for hint in dict.fromkeys(one.hint for one in same) if hint]
    return "\n".join(lines)


def in_order(problems: Iterable[RecipeProblem]) -> list[RecipeProblem]:
    """The problems sorted by place, files before the command line, each once."""
    return sorted(dict.fromkeys(problems), key=_order)


def _order(problem: RecipeProblem) -> tuple[bool, str, int, int]:
    place = problem.place
    return place.is_typed, place.file, place.line, place.column


def quoted(text: str) -> str:
    r"""A text of the user for a message: on one line, not too long, without control characters.

    >>> print(quoted("a\x1b[31m"))
    'a\x1b[31m'
    """
    return f"'{_escaped(_cut(text))}'"


def shown(value: object) -> str:
    """A value of the user for a message, as YAML writes it.

    >>> shown(True), shown(None), shown("yes"), shown([1]), shown(1e-05)
    ('true', 'null', "'yes'", 'a list', '1e-05')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value).replace("inf", ".inf").replace("nan", ".nan")
    return "null" if value is None else str(value)


def shown_path(path: Path | str) -> str:
    """A path for a message: relative if it lies below the working folder."""
    path = Path(path)
    here = Path.cwd()
    return _escaped(str(path.relative_to(here) if path.is_relative_to(here) else path))


def _address(place: Place) -> str:
    file = place.file if place.is_typed else shown_path(place.file)
    return f"{file}:{place.line}:{place.column}" if place.line else file


def _room(taken: int) -> int:
    """Characters of a line that are shown. A narrow terminal would break a longer line away from its caret."""
    columns = shutil.get_terminal_size(fallback=(_LONGEST_LINE + taken + 1, 24)).columns
    return max(_SHORTEST_LINE, min(_LONGEST_LINE, columns - taken - 1))


def _excerpt(place: Place, longest: int) -> tuple[str, int]:
    """The part of the line around the place, of about `longest` characters, and the caret's column in it."""
    before, after = place.text_line[: place.column - 1], place.text_line[place.column - 1 :]
    if len(before) > longest * 2 // 3:
        before = "…" + before[-longest // 2 :]
    if len(before) + len(after) > longest:
        after = after[: longest - len(before)] + "…"
    before = _escaped(before)
    return before + _escaped(after), sum(map(_columns, before))


def _columns(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_VALUE else text[: _LONGEST_VALUE - 1] + "…"


def _escaped(text: str) -> str:
    return "".join(_printable(character) for character in text)


def _printable(character: str) -> str:
    if character == "\t":
        return "    "
    return character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
