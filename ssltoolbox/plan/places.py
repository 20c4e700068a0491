"""The place in a recipe that a problem of a component points to."""

from __future__ import annotations

from ssltoolbox.api import Kind
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import LoadedRecipe, Located


def node_of(loaded: LoadedRecipe, item: Chosen, option: str = "") -> Located:
    """A component as it is written, or one of its options."""
    kind = item.provided.kind
    node = loaded.node(*kind.path, *(() if item.index is None else (item.index,)))
    nested = node.child("options") if kind.nested else None
    return (nested and nested.child(option)) or node.child(option) or node


def texts_of_data(loaded: LoadedRecipe, item: Chosen) -> list[Located]:
    """The texts that name the recipe's data; none for a component with data of its own."""
    leaves = [] if item.own_data else loaded.node(Kind.DATASETS.section).leaves()
    return [node for node in leaves if isinstance(node.value, str)]


def nearest(*nodes: Located) -> Located:
    """The value that a problem of several values is reported at: that of the command line, else that of the
    recipe, else that of its parent. Of equally near values it is the first."""
    return min(nodes, key=lambda node: node.generation)
