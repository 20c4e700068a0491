"""Merges a recipe file, its parents and the values from the command line into one tree."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from ssltoolbox.recipe.find import find_recipe
from ssltoolbox.recipe.overrides import Override, apply_overrides
from ssltoolbox.recipe.place import Key, Located, Place, resolve_path
from ssltoolbox.recipe.problems import RecipeProblem, shown, shown_path
from ssltoolbox.recipe.sections import kept_with_new_name, spell_out
from ssltoolbox.recipe.source import read_file


def compose(
    path: Path | str, overrides: Sequence[str | Override] = ()
) -> tuple[Path, Located | None, list[RecipeProblem]]:
    """The recipe at `path` with its parents merged in and the overrides (`key.path=value`) set.

    A child wins; mappings merge; a list replaces; a component whose `name` changes replaces its options, too. The
    name of the recipe itself is not inherited.

    Returns:
        The recipe's file, its tree (None if a file could not be read), and the problems of the texts.
    """
    file, problems = find_recipe(str(path), Path(path).absolute())
    if file is None:
        return Path(path), None, problems
    recipe, found = _inherit(file, ())
    problems += found
    if recipe is None:
        return file, None, problems
    recipe, found = apply_overrides(recipe, overrides)
    return file, recipe, problems + found


def _inherit(
    path: Path, children: tuple[Path, ...], named_at: Place | None = None
) -> tuple[Located | None, list[RecipeProblem]]:
    """The recipe at `path` merged over its parents. `children` are the files on the way here."""
    if os.path.realpath(path) in map(os.path.realpath, children):
        chain = " → ".join(shown_path(file) for file in (*children, path))
        return None, [RecipeProblem(named_at or Place(str(path)), f"'extends' goes in a circle: {chain}")]
    child, problems = read_file(path, named_at)
    if child is None:
        return None, problems
    if not isinstance(child.value, dict):
        return None, [*problems, _not_a_recipe(child)]
    if "recipes" in child.value and "recipe" not in child.value:
        place = child.value["recipes"].best_place
        return None, [RecipeProblem(place, "this is a grid, not a recipe", "run it by ssltoolbox bench")]
    child = spell_out(child).aged(len(children) + 1)
    own = child.holding({key: value for key, value in child.mapping.items() if key != "extends"})
    extends = child.mapping.get("extends")
    if extends is None or extends.value is None:
        return own, problems
    if not isinstance(extends.value, str):
        message = f"extends must be the path or the name of one recipe, not {shown(extends.value)}"
        return None, [*problems, RecipeProblem(extends.place, message)]
    file, found = find_recipe(extends.value, resolve_path(extends), extends.place)
    problems += found
    if file is None:
        return None, problems
    parent, found = _inherit(file, (*children, path), extends.place)
    problems += found
    return (_merge(_without_name(parent), own, ()) if parent else None), problems


def _not_a_recipe(node: Located) -> RecipeProblem:
    if node.value is None:
        return RecipeProblem(Place(node.place.file), "this file is empty", "a recipe begins with 'recipe: 1'")
    message = f"a recipe is a mapping of sections, not {shown(node.value)}"
    return RecipeProblem(node.place, message, "a recipe begins with 'recipe: 1'")


def _without_name(recipe: Located) -> Located:
    return recipe.holding({key: value for key, value in recipe.mapping.items() if key != "name"})


def _merge(parent: Located, child: Located, path: tuple[Key, ...]) -> Located:
    if not isinstance(parent.value, dict) or not isinstance(child.value, dict):
        return child
    merged = dict(parent.value)
    if _renames(parent.value, child.value):
        merged = {key: value for key, value in merged.items() if kept_with_new_name(path, key)}
    for key, value in child.value.items():
        merged[key] = _merge(merged[key], value, (*path, key)) if key in merged else value
    return child.holding(merged)


def _renames(parent: dict[str, Located], child: dict[str, Located]) -> bool:
    return "name" in child and "name" in parent and child["name"].value != parent["name"].value
