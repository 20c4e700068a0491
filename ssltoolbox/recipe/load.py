"""A recipe as validated sections, with the place of each value."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ssltoolbox.api import Kind
from ssltoolbox.recipe.compose import compose
from ssltoolbox.recipe.overrides import Override, apply_overrides
from ssltoolbox.recipe.place import Key, Located, Place
from ssltoolbox.recipe.problems import RecipeProblem, in_order
from ssltoolbox.recipe.schema import SECTION_KEYS, Recipe
from ssltoolbox.recipe.sections import DEFAULT_GENERATION, NAMED_KINDS, as_mapping, spell_out, with_defaults
from ssltoolbox.recipe.validate import parse_as, path_problems, settled, validate
from ssltoolbox.recipe.values import located


@dataclass(frozen=True)
class ComponentNode:
    """A component in a recipe.

    Attributes:
        kind: the kind of component.
        index: its position in the section; None where the section is one component.
        name: the name of the component.
        name_place: the place of the name.
        options: everything but the name.
    """

    kind: Kind
    index: int | None
    name: str
    name_place: Place
    options: Located


@dataclass(frozen=True)
class LoadedRecipe:
    """A recipe that was read, with or without problems.

    Attributes:
        source: its file; "the recipe" for one that was made in Python.
        tree: its values with their places, after inheritance and overrides.
        sections: the top-level fields of `Recipe` that are valid; all of them where there is no problem.
    """

    source: Path | str
    tree: Located
    sections: Mapping[str, Any]

    def node(self, *path: Key) -> Located:
        """The value at a path such as `("positives", 0, "p")`, or the nearest one around it."""
        node = self.tree
        for key in path:
            child = node.child(key)
            if child is None:
                break
            node = child
        return node

    @property
    def own_keys(self) -> tuple[str, ...]:
        """Dotted keys that its parent doesn't set: those of the file itself and of the command line.

        Of a recipe without a parent only those of the command line.
        """
        leaves = list(self.tree.keyed_leaves())
        has_parent = any(1 < leaf.generation < DEFAULT_GENERATION for _, leaf in leaves)
        return tuple(key for key, leaf in leaves if leaf.generation <= has_parent)

    def component_nodes(self) -> Iterator[ComponentNode]:
        """Every well-formed component, even if other parts of the recipe have problems."""
        for kind in sorted(NAMED_KINDS, key=lambda kind: kind.many):
            node = self._written(kind.path)
            if node is None:
                continue
            elements = node.items() if kind.many else [(None, node)]
            for index, component in elements:
                if not isinstance(index, str) and (found := component_at(kind, index, component)):
                    yield found

    def _written(self, path: Sequence[Key]) -> Located | None:
        node: Located | None = self.tree
        for key in path:
            node = node and node.child(key)
        return node


def read(
    path: Path | str, overrides: Sequence[str | Override] = ()
) -> tuple[LoadedRecipe | None, list[RecipeProblem]]:
    """The recipe at `path`, with overrides such as `trainer.epochs=5`, and its problems.

    The plugins that it names are not looked at. There is no `LoadedRecipe` if a file can't be read or its
    text can't be parsed.
    """
    file, tree, problems = compose(path, overrides)
    if tree is None:
        return None, in_order(problems)
    return _loaded(file, _with_name(tree, file), problems)


def read_values(
    recipe: Recipe | Mapping[str, Any], overrides: Sequence[str | Override] = ()
) -> tuple[LoadedRecipe, list[RecipeProblem]]:
    """The recipe from Python values, and its problems; their places are the fields."""
    tree, problems = apply_overrides(spell_out(located(recipe)).aged(1), overrides)
    return _loaded("the recipe", tree, problems)


def _loaded(
    source: Path | str, tree: Located, problems: list[RecipeProblem]
) -> tuple[LoadedRecipe, list[RecipeProblem]]:
    tree = settled(Recipe, with_defaults(tree))
    recipe, found = validate(Recipe, tree, elsewhere=SECTION_KEYS)
    problems = in_order(problems + found)
    return LoadedRecipe(source, tree, _fields(recipe) if recipe else _valid_sections(tree)), problems


def _with_name(tree: Located, path: Path) -> Located:
    """The recipe, named after its file unless it has a name."""
    if not isinstance(tree.value, dict) or "name" in tree.value:
        return tree
    stem = re.sub(r"[^\w.-]+", "-", path.stem).strip(".-")
    name = Located(stem[:60].rstrip(".-") or "recipe", tree.place, generation=tree.generation)
    return tree.holding({"name": name, **tree.value})


def _fields(recipe: Recipe) -> dict[str, Any]:
    return {name: getattr(recipe, name) for name in Recipe.model_fields}


def _valid_sections(tree: Located) -> dict[str, Any]:
    """The top-level fields that are valid; defaults for those that are not written."""
    sections = {}
    for name, field in Recipe.model_fields.items():
        node = tree.child(name)
        if node is None:
            if not field.is_required():
                sections[name] = field.get_default()
            continue
        annotation = field.rebuild_annotation()
        if path_problems(annotation, node):
            continue
        try:
            sections[name] = parse_as(annotation, node)
        except ValidationError:
            continue
    return sections


def component_at(kind: Kind, index: int | None, node: Located) -> ComponentNode | None:
    """The component of a node, in long or short form; None if the node is no component."""
    node = as_mapping(node)
    name = node.child("name")
    if not isinstance(node.value, dict) or name is None or not isinstance(name.value, str):
        return None
    if kind.nested:
        nested = node.child("options")
        options = nested if nested and isinstance(nested.value, dict) else node.holding({})
    else:
        options = node.holding({key: value for key, value in node.value.items() if key != "name"})
    return ComponentNode(kind, index, name.value, name.place, options)
