"""Recipes: from YAML text to a frozen, validated `Recipe`; every problem has its place in the file.

Without torch and without plugins: a plugin checks the options of its components.
"""

from ssltoolbox.recipe.dump import dump, value_text
from ssltoolbox.recipe.load import ComponentNode, LoadedRecipe, component_at, read, read_values
from ssltoolbox.recipe.overrides import Override, options_from, override_at, selection, typed_override
from ssltoolbox.recipe.place import Located, Place, resolve_path
from ssltoolbox.recipe.problems import RecipeError, RecipeProblem
from ssltoolbox.recipe.schema import (
    IMAGENET,
    SECTION_KEYS,
    SECTION_MODELS,
    BackboneSection,
    Component,
    FlatComponent,
    Optim,
    Plugins,
    Recipe,
    Section,
    Trainer,
)
from ssltoolbox.recipe.validate import validate
from ssltoolbox.recipe.values import override_of

__all__ = [
    "IMAGENET",
    "SECTION_KEYS",
    "SECTION_MODELS",
    "BackboneSection",
    "Component",
    "ComponentNode",
    "FlatComponent",
    "LoadedRecipe",
    "Located",
    "Optim",
    "Override",
    "Place",
    "Plugins",
    "Recipe",
    "RecipeError",
    "RecipeProblem",
    "Section",
    "Trainer",
    "component_at",
    "dump",
    "options_from",
    "override_at",
    "override_of",
    "read",
    "read_values",
    "resolve_path",
    "selection",
    "typed_override",
    "validate",
    "value_text",
]
