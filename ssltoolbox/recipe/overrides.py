"""Overrides of a recipe's values: `--set key.path=value` on the command line, or a key of a grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ssltoolbox.recipe.place import SET, Key, Located, Place
from ssltoolbox.recipe.problems import RecipeError, RecipeProblem, quoted
from ssltoolbox.recipe.sections import kept_with_new_name, spell_out
from ssltoolbox.recipe.source import MAX_DEPTH, parse
from ssltoolbox.support.words import counted

NEW_ELEMENT = "+"
"""The position of an element that an override adds at the end of a list, as in `maskers.+=fnc`."""


@dataclass(frozen=True)
class Override:
    """A value for one key of a recipe: the keys that lead to it, where each is written, and the value.

    With `selects`, the value is a list of components; those that the recipe has under this key keep their options.
    """

    keys: tuple[str, ...]
    places: tuple[Place, ...]
    value: Located
    selects: bool = False


class _CannotSetError(Exception):
    def __init__(self, problem: RecipeProblem) -> None:
        self.problem = problem


def override_at(path: str, place: Place, value: Located) -> tuple[Override | None, list[RecipeProblem]]:
    """The override that a file has under a key such as `trainer.epochs`, or None and what is wrong with the key.

    Args:
        path: the key.
        place: where it is written.
        value: its value, which is checked with the recipe.
    """
    keys, places = _keys(path, place)
    problems = _wrong_keys(keys, places)
    value = Located(value.value, value.place, places[-1])
    return (None if problems else Override(keys, places, value)), problems


def typed_override(flag: str, key: str, text: str) -> Override:
    """The override of a section that the command line gives as YAML, such as the data of `ssltoolbox embed`.

    Args:
        flag: the option or argument, as the place of mistakes in the text.
        key: of the section.
        text: its value.

    Raises:
        RecipeError: where the text is no YAML.
    """
    value, problems = parse(text, flag)
    if value is None or problems:
        raise RecipeError(problems, flag)
    return Override((key,), (value.place,), Located(value.value, value.place, value.place))


def selection(flag: str, key: str, text: str) -> Override:
    """The components that an option of the command line selects for a section, such as `--tasks`.

    A component that the recipe has keeps its options; one that it lacks has its defaults.

    Args:
        flag: the option, as the place of mistakes in the text.
        key: of the section.
        text: a list of names in YAML.

    Raises:
        RecipeError: where the text is no YAML.
    """
    return replace(typed_override(flag, key, text), selects=True)


def apply_overrides(
    recipe: Located, overrides: Sequence[str | Override]
) -> tuple[Located, list[RecipeProblem]]:
    """The recipe with the overrides that could be applied, and the problems of the others.

    A later override wins. An override of a section comes before those of its options, and one of a component's
    name before those of its options, however they are ordered, so that none is lost.
    """
    problems: list[RecipeProblem] = []
    parsed: list[Override] = []
    for given in overrides:
        override, found = (given, []) if isinstance(given, Override) else _parse_override(given)
        problems += found
        if override:
            parsed.append(override)
    for override in sorted(parsed, key=lambda o: (len(o.keys), o.keys[-1] != "name")):
        try:
            recipe = spell_out(_put(recipe, override, ()))
        except _CannotSetError as refusal:
            problems.append(refusal.problem)
    return recipe, problems


def options_from(overrides: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Component → option → value, from texts such as `mask_fn.descriptor=geometry`.

    Raises:
        RecipeError: for a text of another form.
    """
    tree, problems = apply_overrides(Located({}, Place(SET)), overrides)
    if not problems:
        problems = [
            RecipeProblem(part.best_place, "an option is missing here", "write name.option=value")
            for part in tree.mapping.values()
            if not isinstance(part.value, dict)
        ]
    if problems:
        raise RecipeError(problems, SET)
    options: dict[str, dict[str, Any]] = tree.plain()
    return options


def _parse_override(text: str) -> tuple[Override | None, list[RecipeProblem]]:
    path, equals, value_text = text.partition("=")
    keys, places = _keys(path, Place(SET, 1, 1, text.split("\n")[0]))
    if not equals:
        hint = "write key.path=value, such as trainer.epochs=5"
        return None, [RecipeProblem(places[0], f"{quoted(text)} has no '='", hint)]
    if problems := _wrong_keys(keys, places):
        return None, problems
    # The value is parsed behind as many spaces as the path is long, so that its columns are those of `text`.
    value, problems = parse(" " * (len(path) + 1) + value_text, SET, text_shown=text)
    if value is None:
        return None, problems
    place = value.place if value_text.strip() else places[-1]
    return Override(keys, places, Located(value.value, place, places[-1])), problems


def _keys(path: str, place: Place) -> tuple[tuple[str, ...], tuple[Place, ...]]:
    """The keys of a dotted path, and the place of each."""
    keys = tuple(path.split("."))
    starts = [sum(len(key) + 1 for key in keys[:index]) for index in range(len(keys))]
    return keys, tuple(replace(place, column=place.column + start) for start in starts)


def _wrong_keys(keys: tuple[str, ...], places: tuple[Place, ...]) -> list[RecipeProblem]:
    for key, place in zip(keys, places, strict=True):
        if not key or not key.isprintable():
            message = f"{quoted(key)} can't be a key" if key else "a key is missing here"
            return [RecipeProblem(place, message, "put one dot between keys, as in trainer.epochs")]
    if len(keys) > MAX_DEPTH:
        return [RecipeProblem(places[0], f"this path has more than {MAX_DEPTH} keys")]
    if keys == ("extends",):
        return [RecipeProblem(places[0], "'extends' can only be written in a recipe's file")]
    return []


def _put(node: Located, override: Override, path: tuple[Key, ...]) -> Located:
    """The tree with the override's value under its keys."""
    depth = len(path)
    if depth == len(override.keys):
        return _selected(node, override.value) if override.selects else override.value
    key, place = override.keys[depth], override.places[depth]
    if key == NEW_ELEMENT and (isinstance(node.value, list) or node.value in (None, {})):
        extended = [*(node.value or ()), Located({}, place, place)]
        node, key = node.holding(extended), str(len(extended) - 1)
    if isinstance(node.value, list):
        index = _index(node.value, key, place)
        elements = list(node.value)
        elements[index] = _put(elements[index], override, (*path, index))
        return node.holding(elements)
    if node.value is not None and not isinstance(node.value, dict):
        parent = ".".join(override.keys[:depth])
        raise _CannotSetError(
            RecipeProblem(place, f"{quoted(parent)} is a single value and has no {quoted(key)}")
        )
    options = dict(node.value or {})
    child = options.get(key)
    changed = _put(child or Located({}, place, place), override, (*path, key))
    if key == "name" and child is not None and child.value != changed.value:
        options = {other: value for other, value in options.items() if kept_with_new_name(path, other)}
    return node.holding(options | {key: changed})


def _selected(section: Located, wanted: Located) -> Located:
    """The wanted components: for a name, those that the section has of this name, if any."""
    named: dict[str, list[Located]] = {}
    components: list[Located] = [component for _, component in section.items()]
    for component in components:
        if name := component.child("name"):
            named.setdefault(str(name.value), []).append(component)
    return wanted.holding([one for _, name in wanted.items() for one in named.get(str(name.value), [name])])


def _index(elements: list[Located], key: str, place: Place) -> int:
    count = counted(len(elements), "element")
    if not (key.isascii() and key.isdigit()):
        raise _CannotSetError(
            RecipeProblem(place, f"{quoted(key)} is not a position in a list of {count}", "count from 0")
        )
    if len(key) > 9 or int(key) >= len(elements):
        hint = f"count from 0; to add an element, write {NEW_ELEMENT} for its position"
        raise _CannotSetError(
            RecipeProblem(place, f"there is no element {quoted(key)} in a list of {count}", hint)
        )
    return int(key)
