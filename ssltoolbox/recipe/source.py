"""Reads YAML text as located values, by the core schema of YAML 1.2.

PyYAML parses the text. Its resolver and constructor follow YAML 1.1 and are not used: here `1e-3` is a number, and
`no`, `on` and `12:30` are text. Errors are duplicate keys, keys that are not text, tags, merge keys, several
documents, and texts with too many values.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NoReturn

import yaml

from ssltoolbox.recipe.find import neighbour
from ssltoolbox.recipe.place import Located, Place, Scalar
from ssltoolbox.recipe.problems import RecipeProblem, quoted, shown, shown_path
from ssltoolbox.recipe.syntax import explain_syntax

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_VALUES = 100_000
"""Values in a recipe after aliases are expanded."""

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(
    r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"
)
PLAIN_NUMBER = re.compile(f"^(?:{_INT.pattern}|{_FLOAT.pattern})$")
"""Matches the plain scalars that any reader of the core schema takes for a number."""

_LINE_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_NOT_TEXT = re.compile("[\0\ud800-\udfff]")
_INT_DIGITS = 30
_INT_LIMIT = 2**63


def read_file(path: Path, named_at: Place | None = None) -> tuple[Located | None, list[RecipeProblem]]:
    """Reads a YAML file. Gives its values, or None if it can't be read, and its problems.

    Args:
        path: an absolute path.
        named_at: the place that names the file; a missing file is reported there.
    """
    whole = Place(str(path))
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        return None, [_no_such_file(path, named_at)]
    except IsADirectoryError:
        return None, [_about_file(path, named_at, "is a folder, not a file")]
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return None, [_about_file(path, named_at, f"can't be read: {reason}")]
    if len(data) > MAX_BYTES:
        return None, [RecipeProblem(whole, f"a recipe has at most {MAX_BYTES} bytes; this file has more")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return None, [_not_utf8(whole, data, error.start)]
    return parse(text, str(path))


def parse(text: str, file: str, text_shown: str = "") -> tuple[Located | None, list[RecipeProblem]]:
    """Reads a YAML text. Gives its values, or None if it can't be parsed, and its problems.

    An empty text is null.

    Args:
        text: YAML.
        file: `Place.file` of the values.
        text_shown: the text of `Place.text_line`, if it is not `text`.
    """
    builder = _Builder(text, file, text_shown or text)
    try:
        return builder.document(), builder.problems
    except _UnreadableError:
        return None, builder.problems


def resolve_scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar in YAML 1.2's core schema.

    >>> [resolve_scalar(text) for text in ("1e-3", "no", "12:30", "0o17", "~", "TRUE")]
    [0.001, 'no', '12:30', 15, None, True]
    """
    if _NULL.fullmatch(text):
        return None
    if match := _BOOL.fullmatch(text):
        return match[1] is not None
    if _INT.fullmatch(text):
        return int(text, base=0 if text[:2] in ("0o", "0x") else 10)
    if _FLOAT.fullmatch(text):
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _UnreadableError(Exception):
    """Stops reading the text. The last problem has the reason."""


class _Builder:
    """Builds located values from the parser's events."""

    def __init__(self, text: str, file: str, text_shown: str) -> None:
        self.problems: list[RecipeProblem] = []
        self._file = file
        self._text = text
        self._lines = _LINE_BREAK.split(text_shown)
        self._anchors: dict[str, Located] = {}
        self._values = 0

    @cached_property
    def _loader(self) -> yaml.SafeLoader:
        """The parser; it rejects characters that YAML does not allow."""
        try:
            return yaml.SafeLoader(self._text)
        except yaml.reader.ReaderError as error:
            self._stop(self._at_index(error.position), *explain_syntax(error))

    def document(self) -> Located:
        """The only document of the text."""
        self._next()
        if isinstance(self._peek(), yaml.StreamEndEvent):
            return Located(None, self._place(0, 0))
        self._next()
        root = self._node(self._next(), None, depth=1)
        self._next()
        if not isinstance(self._peek(), yaml.StreamEndEvent):
            self._note(self._start(self._peek()), "a second document begins here", "a recipe is one document")
        return root

    def _node(self, event: Any, key_place: Place | None, depth: int) -> Located:
        place = self._start(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, place, key_place, depth)
        self._grow(1, depth, place)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._note(place, f"tags such as {quoted(tag)} can't be used", "write the value without it")
        located = Located(self._value(event, place, depth), place, key_place)
        if event.anchor is not None:
            self._anchors[event.anchor] = located
        return located

    def _value(self, event: Any, place: Place, depth: int) -> Scalar | list[Located] | dict[str, Located]:
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(depth)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(depth)
        return self._scalar(event, place)

    def _alias(self, event: Any, place: Place, key_place: Place | None, depth: int) -> Located:
        target = self._anchors.get(event.anchor)
        if target is None:
            self._stop(place, f"there is no anchor {quoted('&' + event.anchor)} before this")
        values, height = _extent(target)
        self._grow(values, depth + height - 1, place)
        return Located(target.value, target.place, key_place)

    def _mapping(self, depth: int) -> dict[str, Located]:
        mapping: dict[str, Located] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            place = self._start(event)
            key = self._key(event, place, depth)
            value = self._node(self._next(), place, depth + 1)
            if key is None:
                continue
            if key in mapping:
                first = mapping[key].best_place.line
                self._note(
                    place, f"{quoted(key)} is here for the second time", f"the first is on line {first}"
                )
            else:
                mapping[key] = value
        return mapping

    def _key(self, event: Any, place: Place, depth: int) -> str | None:
        if not isinstance(event, yaml.ScalarEvent):
            self._node(event, None, depth + 1)
            self._note(place, "a key must be text")
            return None
        if event.tag is None and event.style is None and event.value == "<<":
            self._note(place, "merge keys ('<<') can't be used", "write the options out, or use 'extends'")
            return None
        key = self._node(event, None, depth + 1).value
        if isinstance(key, str):
            return key
        self._note(place, f"a key must be text, not {shown(key)}", "put it in quotes")
        return None

    def _sequence(self, depth: int) -> list[Located]:
        sequence = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            sequence.append(self._node(event, None, depth + 1))
        return sequence

    def _scalar(self, event: Any, place: Place) -> Scalar:
        text: str = event.value
        if _NOT_TEXT.search(text):
            self._note(place, f"{quoted(text)} holds a character that can't be in a text")
            text = _NOT_TEXT.sub("\ufffd", text)
        if event.style is not None:
            return text
        if _INT.fullmatch(text) and _too_large(text):
            self._note(place, "this whole number is too large", "whole numbers go up to 2**63 - 1")
            return 0
        return resolve_scalar(text)

    def _grow(self, values: int, depth: int, place: Place) -> None:
        self._values += values
        if depth > MAX_DEPTH:
            self._stop(place, f"this is nested more than {MAX_DEPTH} levels deep")
        if self._values > MAX_VALUES:
            self._stop(place, f"a recipe has at most {MAX_VALUES} values; with this it has more")

    def _next(self) -> Any:
        return self._read(self._loader.get_event)

    def _peek(self) -> Any:
        return self._read(self._loader.peek_event)

    def _read(self, get: Callable[[], Any]) -> Any:
        try:
            return get()
        except yaml.MarkedYAMLError as error:
            self._stop(self._at(error.problem_mark or self._loader.get_mark()), *explain_syntax(error))
        except (ValueError, OverflowError):
            # PyYAML does not catch the error of chr() for an escape such as "\UFFFFFFFF".
            self._stop(self._at(self._loader.get_mark()), "this escape stands for no character")

    def _note(self, place: Place, message: str, hint: str = "") -> None:
        self.problems.append(RecipeProblem(place, message, hint))

    def _stop(self, place: Place, message: str, hint: str = "") -> NoReturn:
        self._note(place, message, hint)
        raise _UnreadableError

    def _start(self, event: Any) -> Place:
        return self._at(event.start_mark)

    def _at(self, mark: Any) -> Place:
        return self._place(mark.line, mark.column)

    def _place(self, line: int, column: int) -> Place:
        text_line = self._lines[line] if line < len(self._lines) else ""
        return Place(self._file, line + 1, column + 1, text_line)

    def _at_index(self, index: int) -> Place:
        lines = _LINE_BREAK.split(self._text[:index])
        return self._place(len(lines) - 1, len(lines[-1]))


def _too_large(text: str) -> bool:
    return len(text) > _INT_DIGITS or abs(int(text, 0 if text[:2] in ("0o", "0x") else 10)) >= _INT_LIMIT


def _extent(located: Located) -> tuple[int, int]:
    """The number of values in a tree, and its number of levels."""
    extents = [_extent(child) for _, child in located.items()]
    return 1 + sum(values for values, _ in extents), 1 + max((height for _, height in extents), default=0)


def _about_file(path: Path, named_at: Place | None, what: str) -> RecipeProblem:
    if named_at:
        return RecipeProblem(named_at, f"{shown_path(path)} {what}")
    return RecipeProblem(Place(str(path)), f"this {what}")


def _no_such_file(path: Path, named_at: Place | None) -> RecipeProblem:
    near = neighbour(path)
    hint = f"did you mean '{shown_path(near)}'?" if near else ""
    message = f"there is no file {shown_path(path)}" if named_at else "there is no such file"
    return RecipeProblem(named_at or Place(str(path)), message, hint)


def _not_utf8(whole: Place, data: bytes, index: int) -> RecipeProblem:
    line = data.count(b"\n", 0, index) + 1
    message = f"this is not UTF-8 text: byte 0x{data[index]:02x} on line {line}"
    return RecipeProblem(whole, message, "save it as UTF-8")
