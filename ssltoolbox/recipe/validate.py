"""Validates a section of a recipe with a pydantic model. Each problem has its place and a plain message."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from ssltoolbox.api import OptionError, is_url
from ssltoolbox.api.errors import and_of
from ssltoolbox.api.suggest import did_you_mean, suggest
from ssltoolbox.recipe.annotations import fields_of, inner, paths, plain_data, takes_null
from ssltoolbox.recipe.mistakes import NULL_IN_PYTHON, explain
from ssltoolbox.recipe.place import Key, Located
from ssltoolbox.recipe.problems import RecipeProblem, belongs, in_order, quoted, under
from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED

Model = TypeVar("Model", bound=BaseModel)
Elsewhere = Mapping[str, Sequence[str]]


def validate(
    model: type[Model], node: Located, *, where: str = "", elsewhere: Elsewhere | None = None
) -> tuple[Model | None, list[RecipeProblem]]:
    """Builds an instance of `model` from the node's data. Gives it, or None, and the problems.

    Types are strict: a bool or a text is not a number. But a whole number is also a float, a list is also a
    tuple, a text is also a path or a member of an enumeration, and a mapping is also a model. A path is relative
    to the file that names it, and becomes absolute.

    Args:
        model: the model of the options.
        node: a mapping of options.
        where: the owner of the options in messages, such as `method 'simclr'`; empty for the recipe itself.
        elsewhere: section → its keys, so that a message can tell where a misplaced key belongs; "" is the recipe
            itself.
    """
    node = settled(model, node)
    refused = path_problems(model, node)
    try:
        parsed = parse_as(model, node)
        return (None if refused else parsed), refused
    except ValidationError as error:
        reporter = _Reporter(model, node, where, elsewhere or {})
        return None, in_order([*refused, *reporter.problems(error)])


def path_problems(annotation: Any, node: Located) -> list[RecipeProblem]:
    """Problems of the paths in a node."""
    problems = []
    for path, could_be_null in paths(node, [annotation]):
        text = str(path.value)
        if is_url(text):
            problems.append(RecipeProblem(path.place, NOT_SUPPORTED, ADVICE))
        elif could_be_null and text in NULL_IN_PYTHON:
            problems.append(
                RecipeProblem(path.place, f"this is the path of a file called {text}", "write null")
            )
    return problems


def settled(annotation: Any, node: Located) -> Located:
    """The node without options that a nearer file replaces, such as a parent's `steps` if the child has `epochs`.

    The `OptionError` of the model says which options can't be used together.
    """
    try:
        parse_as(annotation, node)
    except ValidationError as error:
        for details in error.errors(include_url=False, include_input=False):
            cause = details.get("ctx", {}).get("error")
            path = path_in(node, details["loc"])
            if isinstance(cause, OptionError) and (lighter := _without_ruled_out(node, path, cause)):
                return settled(annotation, lighter)
    return node


def _without_ruled_out(node: Located, path: tuple[Key, ...], cause: OptionError) -> Located | None:
    """The node without the options under `path` that a nearer file replaces; None if there are none."""
    if path:
        key, *rest = path
        child = node.child(key)
        lighter = child and _without_ruled_out(child, tuple(rest), cause)
        return node.with_child(key, lighter) if lighter else None
    generations = {key: child.generation for key in cause.options if (child := node.child(key))}
    ruled_out = {
        key for key in cause.drop if key in generations and generations[key] > min(generations.values())
    }
    return node.holding({k: v for k, v in node.mapping.items() if k not in ruled_out}) if ruled_out else None


def path_in(node: Located, location: Sequence[Key]) -> tuple[Key, ...]:
    """The keys of the data in a location of pydantic, without its names of union members."""
    path: list[Key] = []
    for key in location:
        child = node.child(key)
        if child is not None:
            path.append(key)
            node = child
    return tuple(path)


def parse_as(annotation: Any, node: Located) -> Any:
    """The node's data as a value of a type.

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
        """One problem for each mistake: the errors of all members of a union are one mistake."""
        problems = []
        missing: dict[tuple[Key, ...], list[str]] = {}
        mistakes: dict[tuple[Key, ...], list[ErrorDetails]] = {}
        for details in error.errors(include_url=False, include_input=False):
            *outer, last = details["loc"] or ("",)
            if details["type"] == "extra_forbidden":
                problems.append(self._unknown(path_in(self._node, outer), str(last)))
            elif details["type"] == "missing" and isinstance(last, str):
                missing.setdefault(path_in(self._node, outer), []).append(last)
            else:
                mistakes.setdefault(path_in(self._node, details["loc"]), []).append(details)
        problems += [problem for path, keys in missing.items() for problem in self._missing(path, keys)]
        problems += [self._mistake(path, found) for path, found in mistakes.items()]
        return in_order(problems)

    def _at(self, path: tuple[Key, ...]) -> Located:
        node = self._node
        for key in path:
            node = node.child(key) or node
        return node

    def _unknown(self, path: tuple[Key, ...], key: str) -> RecipeProblem:
        found = self._at((*path, key))
        of = self._owner(path)
        message = f"unknown option {quoted(key)} of {of}" if of else f"unknown key {quoted(key)}"
        homes = [section for section, keys in self._elsewhere.items() if key in keys]
        if homes:
            return RecipeProblem(found.best_place, message, belongs(key, homes))
        return RecipeProblem(found.best_place, message, self._similar_key(path, key), unknown=key)

    def _similar_key(self, path: tuple[Key, ...], key: str) -> str:
        known = [*self._fields(path), *(self._elsewhere.get("", ()) if self._is_recipe(path) else ())]
        if hint := did_you_mean(key, known):
            return hint
        for section, keys in self._elsewhere.items():
            if meant := suggest(key, keys):
                return f"did you mean {quoted(meant)}, {under(section)}?"
        return ""

    def _missing(self, path: tuple[Key, ...], keys: list[str]) -> Iterator[RecipeProblem]:
        """Problems of the missing options at a path: one for each misspelled option, and one for all others."""
        node, fields = self._at(path), self._fields(path)
        unknown = node.mapping.keys() - fields.keys()
        misspelt = {key: written for key in keys if (written := suggest(key, unknown))}
        for key, written in misspelt.items():
            hint = f"{quoted(written)} is there; did you mean {quoted(key)}?"
            yield RecipeProblem(node.best_place, self._lacks(path, [key]), hint)
        others = [key for key in keys if key not in misspelt]
        if others:
            yield RecipeProblem(node.best_place, self._lacks(path, others), self._advice(path, others))

    def _is_recipe(self, path: tuple[Key, ...]) -> bool:
        return not self._owner(path)

    def _advice(self, path: tuple[Key, ...], keys: list[str]) -> str:
        """The descriptions of the missing options."""
        purposes = {key: _purpose(self._fields(path).get(key)) for key in keys}
        if len(keys) == 1:
            return purposes[keys[0]]
        if self._is_recipe(path):
            return "write them, or inherit them from another recipe, such as by extends: quickstart"
        return "; ".join(f"{key}: {purpose}" for key, purpose in purposes.items() if purpose)

    def _lacks(self, path: tuple[Key, ...], keys: list[str]) -> str:
        names = and_of(map(quoted, keys))
        of = self._owner(path)
        return f"{of} needs {names}" if of else f"{names} {'is' if len(keys) == 1 else 'are'} missing"

    def _mistake(self, path: tuple[Key, ...], errors: list[ErrorDetails]) -> RecipeProblem:
        node = self._at(path)
        field = self._fields(path[:-1]).get(str(path[-1])) if path else None
        mistake = explain(self._subject(path), node.value, errors, takes_null(self._annotations(path)))
        hint = (mistake.form_is_wrong and _purpose(field)) or mistake.hint
        written = [child for option in mistake.options if (child := node.child(option))]
        culprit = min(written, key=lambda child: child.generation, default=None)
        is_whole = culprit is not None or isinstance(node.value, dict)
        place = (culprit or node).best_place if is_whole else node.place
        return RecipeProblem(place, mistake.message, hint)

    def _annotations(self, path: tuple[Key, ...]) -> list[Any]:
        annotations: list[Any] = [self._model]
        for key in path:
            annotations = inner(annotations, key)
        return annotations

    def _fields(self, path: tuple[Key, ...]) -> dict[str, FieldInfo]:
        return fields_of(self._annotations(path))

    def _owner(self, path: tuple[Key, ...]) -> str:
        """The owner of the options at `path`, such as `view 'paper'`; empty for the recipe itself."""
        inside = quoted(".".join(map(str, path))) if path else ""
        return " of ".join(filter(None, [inside, self._where]))

    def _subject(self, path: tuple[Key, ...]) -> str:
        """The name of a value: its key, with the indices after it."""
        names = [index for index, key in enumerate(path) if isinstance(key, str)]
        return ".".join(map(str, path[names[-1] :])) if names else self._where or "the recipe"


def _purpose(field: FieldInfo | None) -> str:
    """The first sentence of a field's docstring."""
    text = " ".join((field.description or "").split()) if field else ""
    return text.split(". ")[0].rstrip(".")
