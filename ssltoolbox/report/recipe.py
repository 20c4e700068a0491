"""A recipe's text for a reader: which lines are the recipe's own, and what two recipes differ in."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ssltoolbox.recipe import value_text


@dataclass(frozen=True)
class OptionDifference:
    """One option that recipes differ in.

    Attributes:
        key: dotted; a component in a list is named by its name, as in `maskers.mask_fn.attract`.
        values: of each recipe, as a person would write them; None where the recipe has no such option.
    """

    key: str
    values: tuple[str | None, ...]


def marked_lines(text: str, own: Collection[str]) -> list[tuple[str, bool]]:
    """The lines of a recipe, and whether each one holds a value of the recipe's own.

    Args:
        text: YAML as `recipe.dump` writes it.
        own: dotted keys, with positions in lists, as in `maskers.0.attract`.

    >>> marked_lines("name: x\\nseed: 1", ["seed"])
    [('name: x', False), ('seed: 1', True)]
    """
    root = yaml.compose(text)
    marked = set(_lines(root, "", frozenset(own))) if root else set()
    return [(line, number in marked) for number, line in enumerate(text.rstrip().splitlines())]


def differences(recipes: Sequence[Mapping[str, Any]]) -> list[OptionDifference]:
    """The options with different values, in the order of the recipes' sections.

    An option of a component that only some recipes name is left out: the component's name says it.
    """
    flat = [dict(_options(recipe, "")) for recipe in recipes]
    keys = dict.fromkeys(key for options in flat for key in options)
    return [
        OptionDifference(key, tuple(options.get(key) for options in flat))
        for key in keys
        if len({options[key] for options in flat if key in options}) > 1
    ]


def _lines(node: yaml.Node, key: str, own: Collection[str]) -> Iterator[int]:
    """The numbers of the lines with values of these keys, from 0."""
    if isinstance(node, yaml.MappingNode):
        children = [(name.value, name, value) for name, value in node.value]
    elif isinstance(node, yaml.SequenceNode):
        children = [(str(position), value, value) for position, value in enumerate(node.value)]
    else:
        children = []
    for name, begin, value in children:
        inner = f"{key}.{name}".lstrip(".")
        if inner in own:
            # A value ends where the next begins, unless it ends within a line.
            end = value.end_mark.line + (value.end_mark.column > 0)
            yield from range(begin.start_mark.line, max(end, begin.start_mark.line + 1))
        yield from _lines(value, inner, own)


def _options(value: Any, key: str) -> Iterator[tuple[str, str]]:
    """Dotted key and text of each option."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from _options(inner, f"{key}.{name}".lstrip("."))
    elif isinstance(value, list) and value and all(isinstance(each, Mapping) for each in value):
        names = [str(each.get("name", position)) for position, each in enumerate(value)]
        yield key, ", ".join(names)
        for name, each in zip(names, value, strict=True):
            yield from _options({k: v for k, v in each.items() if k != "name"}, f"{key}.{name}")
    else:
        yield key, "none" if value == [] else value_text(value)
