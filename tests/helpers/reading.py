"""Recipes read without their plugins: what is wrong raises."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ssltoolbox.recipe import LoadedRecipe, Located, Override, Recipe, RecipeError, read
from ssltoolbox.recipe.compose import compose


def composed(path: Path | str, overrides: Sequence[str | Override] = ()) -> Located:
    """The tree of a recipe with its parents and overrides."""
    file, tree, problems = compose(path, overrides)
    if tree is None or problems:
        raise RecipeError(problems, file)
    return tree


def loaded(path: Path | str, overrides: Sequence[str | Override] = ()) -> LoadedRecipe:
    """The recipe's tree and its valid sections."""
    found, problems = read(path, overrides)
    if found is None or any(not problem.warning for problem in problems):
        raise RecipeError(problems, found.source if found else path)
    return found


def recipe_in(path: Path | str, overrides: Sequence[str | Override] = ()) -> Recipe:
    """The recipe itself."""
    return Recipe.model_construct(**loaded(path, overrides).sections)
