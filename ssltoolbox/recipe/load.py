"""A recipe file as a `Recipe`, together with where everything in it was written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ssltoolbox.recipe.compose import compose_all
from ssltoolbox.recipe.overrides import Override
from ssltoolbox.recipe.place import Key, Located, Place
from ssltoolbox.recipe.problems import RecipeError, RecipeProblem, in_order
from ssltoolbox.recipe.schema import SECTION_KEYS, Recipe
from ssltoolbox.recipe.sections import COMPONENT_LISTS, COMPONENTS, as_mapping
from ssltoolbox.recipe.validate import parse_as, path_problems, settled, validate


@dataclass(frozen=True)
class ComponentNode:
    """A component as a recipe has it.

    Attributes:
        section: such as `method` or `positives`.
        index: its place in the section, None where the section is one component.
        name: what it calls the plugin.
        name_place: where.
        options: everything but the name.
    """

    section: str
    index: int | None
    name: str
    name_place: Place
    options: Located


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe that was read, with or without problems.

    Attributes:
        path: its file.
        tree: its values with their places, after inheritance and overrides.
        parts: the top-level fields of `Recipe` that are valid; all of them where there is no problem.
        problems: what was found; warnings only, if it came from `load`.
    """

    path: Path
    tree: Located
    parts: Mapping[str, Any]
    problems: tuple[RecipeProblem, ...] = ()

    @property
    def recipe(self) -> Recipe:
        """The recipe.

        Raises:
            RecipeError: if there are problems other than warnings.
        """
        if any(not problem.warning for problem in self.problems):
            raise RecipeError(self.problems, self.path)
        return Recipe.model_construct(**self.parts)

    def node(self, *path: Key) -> Located:
        """The value at a path such as `("positives", 0, "p")`, or the nearest one around it."""
        node = self.tree
        for key in path:
            child = node.child(key)
            if child is None:
                break
            node = child
        return node

    def component_nodes(self) -> Iterator[ComponentNode]:
        """Every well-formed component, whatever is wrong elsewhere in the recipe."""
        for section in (*COMPONENTS, *COMPONENT_LISTS):
            node = self.tree.child(section)
            if node is None:
                continue
            elements = node.items() if section in COMPONENT_LISTS else [(None, node)]
            for index, component in elements:
                if not isinstance(index, str) and (found := component_at(section, index, component)):
                    yield found


def load(path: Path | str, overrides: Sequence[str | Override] = ()) -> LoadedRecipe:
    """The recipe at `path`, with overrides such as `trainer.epochs=5`.

    The plugins that it names are not looked at.

    Raises:
        RecipeError: with all problems.
    """
    loaded, problems = read(path, overrides)
    if loaded is None or any(not problem.warning for problem in problems):
        raise RecipeError(problems, loaded.path if loaded else path)
    return loaded


def read(
    path: Path | str, overrides: Sequence[str | Override] = ()
) -> tuple[LoadedRecipe | None, list[RecipeProblem]]:
    """Like `load`, but gives what is wrong instead of raising, for callers that look for more.

    There is no `LoadedRecipe` if one of the files can't be read or its text can't be parsed.
    """
    file, tree, problems = compose_all(path, overrides)
    if tree is None:
        return None, in_order(problems)
    tree = _with_name(tree, file)
    tree = settled(Recipe, tree)
    recipe, found = validate(Recipe, tree, elsewhere=SECTION_KEYS)
    problems = in_order(problems + found)
    parts = _fields(recipe) if recipe else _valid_parts(tree)
    return LoadedRecipe(file, tree, parts, tuple(problems)), problems


def _with_name(tree: Located, path: Path) -> Located:
    """The recipe, called after its file unless it has a name."""
    if not isinstance(tree.value, dict) or "name" in tree.value:
        return tree
    stem = re.sub(r"[^\w.-]+", "-", path.stem).strip(".-")
    name = Located(stem[:60].rstrip(".-") or "recipe", tree.place, generation=tree.generation)
    return tree.holding({"name": name, **tree.value})


def _fields(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in Recipe.model_fields}


def _valid_parts(tree: Located) -> dict[str, Any]:
    """Each top-level field by itself, as far as it is valid; defaults for those that are not written."""
    parts = {}
    for name, field in Recipe.model_fields.items():
        node = tree.child(name)
        if node is None:
            if not field.is_required():
                parts[name] = field.get_default()
            continue
        annotation = field.rebuild_annotation()
        if path_problems(annotation, node):
            continue
        try:
            parts[name] = parse_as(annotation, node)
        except ValidationError:
            continue
    return parts


def component_at(section: str, index: int | None, node: Located) -> ComponentNode | None:
    """The component that a node is, in its long or its short form; None where it is none."""
    node = as_mapping(node)
    name = node.child("name")
    if not isinstance(node.value, dict) or name is None or not isinstance(name.value, str):
        return None
    options = {key: value for key, value in node.value.items() if key != "name"}
    return ComponentNode(section, index, name.value, name.place, node.holding(options))
