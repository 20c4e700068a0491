"""The options that a grid sets in its recipes, and its variants: named sets of such options."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field

from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.recipe import Located, Override, Place, RecipeProblem, Section, override_at
from ssltoolbox.recipe.problems import quoted

OWN_KEYS = {
    "name": "a recipe's name stays its own",
    "seed": "write the seeds under 'seeds'",
    "evaluate": "write the tasks under 'tasks'",
}
"""Sections of a recipe that a grid can't set, and the reason."""

VARIANT_NAME = re.compile(r"\w{1,30}")
"""It becomes part of the names of runs and folders."""


class Variant(Section):
    """Changes to recipes that are compared with the recipes without them."""

    extends: str | None = None
    """A variant above this one. Its changes come first, and this variant is compared with it instead of with the
    recipe without changes."""

    settings: dict[str, Any] = Field(default_factory=dict, alias="set")
    """Options and their values, such as `positives: [time_aug]`."""

    recipes: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The names of the recipes that have this variant; those of the extended variant, or all, if not given."""


@dataclass(frozen=True)
class GridOption:
    """An option that a grid sets.

    Attributes:
        key: such as `data.world`.
        value: as plain data.
        override: the value for a recipe, with its place in the grid.
    """

    key: str
    value: Any
    override: Override


@dataclass(frozen=True)
class LoadedVariant:
    """A variant without mistakes of its own.

    Attributes:
        name: its name.
        extends: the variant that it is compared with; None for the recipe without changes.
        options: its changes, after those of the variant that it extends.
        recipes: the names of the recipes that have it, with their places; None for all.
        place: its place in the grid.
    """

    name: str
    extends: str | None
    options: tuple[GridOption, ...]
    recipes: dict[str, Place] | None
    place: Place

    def changes(self, recipe: str) -> bool:
        """Whether the recipe of this name has the variant."""
        return self.recipes is None or recipe in self.recipes


def settings_of(node: Located | None, problems: list[RecipeProblem]) -> Iterator[GridOption]:
    """The options of a mapping from keys to values."""
    for key, value in node.mapping.items() if node else ():
        if setting := _setting(key, value.best_place, value, problems):
            yield setting


def values_of(key: str, values: Located, problems: list[RecipeProblem]) -> Iterator[tuple[GridOption, ...]]:
    """One option with each of its values; a mistake in its name is reported once."""
    elements = [value for _, value in values.items()]
    if elements and _setting(key, values.best_place, elements[0], problems):
        yield tuple(setting for value in elements if (setting := _setting(key, values.best_place, value, [])))


def variants_of(node: Located | None, problems: list[RecipeProblem]) -> dict[str, LoadedVariant]:
    """The variants by name; those with mistakes are left out."""
    variants: dict[str, LoadedVariant] = {}
    for name, written in node.mapping.items() if node else ():
        if not VARIANT_NAME.fullmatch(name):
            message = f"a variant can't be called {quoted(name)}"
            problems.append(
                RecipeProblem(written.best_place, message, "use at most 30 letters, digits and _")
            )
        elif variant := _variant(name, written, variants, problems):
            variants[name] = variant
    return variants


def _variant(
    name: str, written: Located, above: dict[str, LoadedVariant], problems: list[RecipeProblem]
) -> LoadedVariant | None:
    options = list(settings_of(written.child("set"), problems))
    extends, recipes = written.child("extends"), written.child("recipes")
    parent = None
    if extends and isinstance(extends.value, str):
        parent = above.get(extends.value)
        if parent is None:
            hint = (
                did_you_mean(extends.value, list(above)) or "a variant extends one that is written above it"
            )
            problems.append(RecipeProblem(extends.place, f"no variant {quoted(extends.value)} above", hint))
            return None
    own = {str(child.value): child.place for _, child in recipes.items()} if recipes else None
    return LoadedVariant(
        name,
        parent.name if parent else None,
        (*(parent.options if parent else ()), *options),
        own or (parent.recipes if parent else None),
        written.best_place,
    )


def _setting(key: str, place: Place, value: Located, problems: list[RecipeProblem]) -> GridOption | None:
    if key in OWN_KEYS:
        problems.append(RecipeProblem(place, f"{quoted(key)} can't be set here", OWN_KEYS[key]))
        return None
    override, found = override_at(key, place, value)
    problems += found
    return GridOption(key, value.plain(), override) if override else None
