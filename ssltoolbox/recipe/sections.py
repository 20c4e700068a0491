"""The sections of a recipe that name components: their paths, short forms and defaults."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from ssltoolbox.api import KINDS, Kind
from ssltoolbox.recipe.place import Key, Located

NAMED_KINDS = tuple(kind for kind in KINDS.values() if kind.section)
"""The kinds that recipes name. A section comes before those that lie in it."""

TOP_LEVEL_KINDS = tuple(kind for kind in NAMED_KINDS if len(kind.path) == 1 and not kind.nested)
"""The kinds whose section is a field of the recipe and holds only components."""

DEFAULT_GENERATION = 2**31
"""The generation of default values, which every written value replaces."""


def component_kind(path: tuple[Key, ...]) -> Kind | None:
    """The kind of the component at a path such as `("method",)` or `("positives", 0)`; None where there is none.

    >>> component_kind(("positives", 0)).name, component_kind(("positives",))
    ('positive_generators', None)
    """
    for kind in NAMED_KINDS:
        in_list = path[:-1] == kind.path and isinstance(path[-1], int)
        if in_list if kind.many else path == kind.path:
            return kind
    return None


def kept_with_new_name(path: tuple[Key, ...], key: str) -> bool:
    """True if a key keeps its value when a nearer file names another component in the same section.

    The learning rate stays with another optimiser; the weights of a backbone do not stay with another network.

    >>> kept_with_new_name(("method",), "temperature"), kept_with_new_name(("trainer",), "epochs")
    (False, True)
    """
    kind = component_kind(path)
    if kind is None:
        # Options of a component may hold another component, such as the dataset that a dataset wraps.
        return not any(component_kind(path[:end]) for end in range(1, len(path)))
    return kind.keeps_keys and key != "options"


def spell_out(recipe: Located) -> Located:
    """The recipe with each component in its long form: `{name: simclr}` for `simclr`."""
    for kind in NAMED_KINDS:
        recipe = _changed(recipe, kind.path, _each_as_mapping if kind.many else as_mapping)
    return recipe


def with_defaults(recipe: Located) -> Located:
    """The recipe with default components added."""
    for kind in NAMED_KINDS:
        *outer, key = kind.path
        if kind.default and outer:
            recipe = _changed(recipe, outer, partial(_with_key, key=key, value={}))
        if kind.default:
            recipe = _changed(recipe, kind.path, partial(_with_key, key="name", value=kind.default))
    return recipe


def as_mapping(component: Located) -> Located:
    """The long form of a component: `{name: simclr}` for `simclr`. Returns any other value unchanged."""
    if not isinstance(component.value, str):
        return component
    name = Located(component.value, component.place, generation=component.generation)
    return component.holding({"name": name})


def _each_as_mapping(section: Located) -> Located:
    if not isinstance(section.value, list):
        return section
    return section.holding([as_mapping(element) for element in section.value])


def _changed(node: Located, path: Sequence[str], change: Callable[[Located], Located]) -> Located:
    """The tree with `change` applied to the value at a path, if there is one."""
    if not path:
        return change(node)
    child = node.child(path[0])
    return node if child is None else node.with_child(path[0], _changed(child, path[1:], change))


def _with_key(section: Located, key: str, value: str | dict[str, Located]) -> Located:
    """The section with a default value for a missing key."""
    if not isinstance(section.value, dict) or key in section.value:
        return section
    return section.holding(
        {**section.value, key: Located(value, section.best_place, generation=DEFAULT_GENERATION)}
    )
