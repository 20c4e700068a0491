"""A part of a recipe against a pydantic model, with every mistake at its place and in plain words."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ssltoolbox.api.errors import one_of
from ssltoolbox.api.suggest import suggest
from ssltoolbox.recipe.annotations import fields_of, inner, plain_data, urls
from ssltoolbox.recipe.mistakes import explain
from ssltoolbox.recipe.place import Key, Located
from ssltoolbox.recipe.problems import RecipeProblem, did_you_mean, in_order, quoted
from ssltoolbox.support.local import ADVICE, NOT_SUPPORTED

Model = TypeVar("Model", bound=BaseModel)
Elsewhere = Mapping[str, Sequence[str]]


def validate(
    model: type[Model], node: Located, *, where: str = "", elsewhere: Elsewhere | None = None
) -> tuple[Model | None, list[RecipeProblem]]:
    """An instance of `model` from the node's data, or None and what is wrong with it.

    Types are strict: neither a bool nor a text is a number; but a whole number is one, and lists, texts and
    mappings stand for tuples, paths, enumerations and models. Paths become absolute, relative to the file
    that names them.

    Args:
        model: what the data should be.
        node: a mapping of options.
        where: what has the options, for messages: `method 'simclr'`; empty for the recipe itself.
        elsewhere: the keys of other sections by section, for a right key in a wrong place; the empty section
            is the recipe itself.
    """
    refused = [RecipeProblem(url.place, NOT_SUPPORTED, ADVICE) for url in urls(node, [model])]
    try:
        parsed = parse_as(model, node)
        return (None if refused else parsed), refused
    except ValidationError as error:
        reporter = _Reporter(model, node, where, elsewhere or {})
        return None, in_order([*refused, *reporter.problems(error)])


def parse_as(annotation: Any, node: Located) -> Any:
    """The node's data as a value of that type.

    Raises:
        ValidationError: from pydantic.
    """
    # Only pydantic's JSON mode takes a list for a tuple and a text for a path while all else is strict.
    return TypeAdapter(annotation).validate_json(json.dumps(plain_data(node, [annotation])), strict=True)


class _Reporter:
    """Turns pydantic's errors about one node into problems."""

    def __init__(self, model: type[BaseModel], node: Located, where: str, elsewhere: Elsewhere) -> None:
        self._model = model
        self._node = node
        self._where = where
        self._elsewhere = elsewhere

    def problems(self, error: ValidationError) -> list[RecipeProblem]:
        """One problem for each mistake; the errors of a union's members are about one mistake."""
        problems = []
        mistakes: dict[tuple[Key, ...], list[ErrorDetails]] = {}
        for details in error.errors(include_url=False, include_input=False):
            *outer, last = details["loc"] or ("",)
            if details["type"] == "extra_forbidden":
                problems.append(self._unknown(self._path(outer), str(last)))
            elif details["type"] == "missing" and isinstance(last, str):
                problems.append(self._missing(self._path(outer), last))
            else:
                mistakes.setdefault(self._path(details["loc"]), []).append(details)
        problems += [self._mistake(path, found) for path, found in mistakes.items()]
        return in_order(problems)

    def _path(self, loc: Sequence[Key]) -> tuple[Key, ...]:
        """The part of pydantic's location that leads through the data; the rest names members of unions."""
        path: tuple[Key, ...] = ()
        for key in loc:
            if self._at(path).child(key) is not None:
                path = (*path, key)
        return path

    def _at(self, path: tuple[Key, ...]) -> Located:
        node = self._node
        for key in path:
            node = node.child(key) or node
        return node

    def _unknown(self, path: tuple[Key, ...], key: str) -> RecipeProblem:
        found = self._at((*path, key))
        of = self._owner(path)
        message = f"unknown option {quoted(key)} of {of}" if of else f"unknown key {quoted(key)}"
        return RecipeProblem(found.best_place, message, self._right_key(path, key))

    def _right_key(self, path: tuple[Key, ...], key: str) -> str:
        homes = [section for section, keys in self._elsewhere.items() if key in keys]
        if homes:
            return f"{quoted(key)} belongs {one_of(_under(section) for section in homes)}"
        at_the_top = not self._owner(path)
        known = [*self._fields(path), *(self._elsewhere.get("", ()) if at_the_top else ())]
        if hint := did_you_mean(key, known):
            return hint
        for section, keys in self._elsewhere.items():
            if meant := suggest(key, keys):
                return f"did you mean {quoted(meant)}, {_under(section)}?"
        return ""

    def _missing(self, path: tuple[Key, ...], key: str) -> RecipeProblem:
        fields = self._fields(path)
        of = self._owner(path)
        message = f"{of} needs {quoted(key)}" if of else f"{quoted(key)} is missing"
        node = self._at(path)
        hint = _purpose(fields.get(key))
        if written := suggest(key, node.mapping.keys() - fields.keys()):
            hint = f"{quoted(written)} is there; did you mean {quoted(key)}?"
        return RecipeProblem(node.best_place, message, hint)

    def _mistake(self, path: tuple[Key, ...], errors: list[ErrorDetails]) -> RecipeProblem:
        node = self._at(path)
        field = self._fields(path[:-1]).get(str(path[-1])) if path else None
        mistake = explain(self._subject(path), node.value, errors)
        hint = (mistake.form_is_wrong and _purpose(field)) or mistake.hint
        culprit = node.child(mistake.option) if mistake.option else None
        is_whole = culprit is not None or isinstance(node.value, dict)
        place = (culprit or node).best_place if is_whole else node.place
        return RecipeProblem(place, mistake.message, hint)

    def _fields(self, path: tuple[Key, ...]) -> dict[str, FieldInfo]:
        annotations: list[Any] = [self._model]
        for key in path:
            annotations = inner(annotations, key)
        return fields_of(annotations)

    def _owner(self, path: tuple[Key, ...]) -> str:
        """What the options at `path` belong to: `'crop' of view 'paper'`; empty for the recipe itself."""
        inside = quoted(".".join(map(str, path))) if path else ""
        return " of ".join(filter(None, [inside, self._where]))

    def _subject(self, path: tuple[Key, ...]) -> str:
        """What a value is called: its key, with the indices after it."""
        names = [index for index, key in enumerate(path) if isinstance(key, str)]
        return ".".join(map(str, path[names[-1] :])) if names else self._where or "the recipe"


def _under(section: str) -> str:
    return f"under {quoted(section)}" if section else "at the top of the recipe"


def _purpose(field: FieldInfo | None) -> str:
    """The first sentence of a field's docstring."""
    text = " ".join((field.description or "").split()) if field else ""
    return text.split(". ")[0].rstrip(".")
