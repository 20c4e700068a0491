"""Which sections of a recipe name components, and a component's short form."""

from __future__ import annotations

from ssltoolbox.api import KINDS
from ssltoolbox.recipe.place import Key, Located

COMPONENTS = tuple(kind.section for kind in KINDS.values() if kind.section and not kind.many)
"""Sections that are one component each."""

COMPONENT_LISTS = tuple(kind.section for kind in KINDS.values() if kind.many)
"""Sections that are lists of components."""

_NAMED = (*COMPONENTS, "backbone", "optim")


def belongs_to_its_name(path: tuple[Key, ...]) -> bool:
    """True where another `name` makes what else is written there void: `("method",)` or `("positives", 0)`.

    An optimiser's options do not depend on its name.

    >>> belongs_to_its_name(("method",)), belongs_to_its_name(("positives", 0)), belongs_to_its_name(("optim",))
    (True, True, False)
    """
    if len(path) == 2:
        return path[0] in COMPONENT_LISTS and isinstance(path[1], int)
    return len(path) == 1 and path[0] in (*COMPONENTS, "backbone")


def spell_out(recipe: Located) -> Located:
    """The recipe with every `simclr` where a component stands written as `{name: simclr}`."""
    if not isinstance(recipe.value, dict):
        return recipe
    sections = dict(recipe.value)
    for key, section in sections.items():
        if key in _NAMED:
            sections[key] = as_mapping(section)
        elif key in COMPONENT_LISTS and isinstance(section.value, list):
            sections[key] = section.holding([as_mapping(element) for element in section.value])
    return recipe.holding(sections)


def as_mapping(component: Located) -> Located:
    """A component's long form: `simclr` as `{name: simclr}`; anything else as it is."""
    if not isinstance(component.value, str):
        return component
    name = Located(component.value, component.place, generation=component.generation)
    return component.holding({"name": name})
