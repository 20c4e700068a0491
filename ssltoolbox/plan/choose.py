"""Finds the plugins that a recipe names, and parses their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ssltoolbox.api import Kind, UserError
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import SECTION_KEYS, ComponentNode, LoadedRecipe, RecipeProblem, validate
from ssltoolbox.registry import Registry

KINDS: Mapping[str, Kind] = {
    "data": Kind.DATASETS,
    "method": Kind.METHODS,
    "positives": Kind.POSITIVE_GENERATORS,
    "negatives": Kind.NEGATIVE_SAMPLERS,
    "maskers": Kind.NEGATIVE_MASKERS,
    "views": Kind.VIEWS,
    "evaluate": Kind.EVALUATORS,
}
SECTIONS: Mapping[Kind, str] = {kind: section for section, kind in KINDS.items()}


@dataclass(frozen=True)
class Choice:
    """The components that could be found, and what is wrong with the others."""

    chosen: Mapping[Kind, tuple[Chosen, ...]]
    problems: tuple[RecipeProblem, ...]


def choose(loaded: LoadedRecipe, registry: Registry) -> Choice:
    """Every component of a recipe, as far as it is right."""
    problems: list[RecipeProblem] = []
    chosen: dict[Kind, list[Chosen]] = {}
    seen: Counter[tuple[Kind, str]] = Counter()
    for node in loaded.component_nodes():
        kind = KINDS[node.section]
        seen[kind, node.name] += 1
        key = node.name if seen[kind, node.name] == 1 else f"{node.name}#{seen[kind, node.name]}"
        found, wrong = _choose_one(node, kind, key, registry)
        problems += wrong
        if found:
            chosen.setdefault(kind, []).append(found)
    return Choice({kind: tuple(items) for kind, items in chosen.items()}, tuple(problems))


def _choose_one(
    node: ComponentNode, kind: Kind, key: str, registry: Registry
) -> tuple[Chosen | None, list[RecipeProblem]]:
    try:
        provided = registry.get(kind, node.name)
    except UserError as error:
        return None, [RecipeProblem(node.name_place, error.message, error.hint)]
    where = f"{kind.singular} {node.name!r}"
    options, problems = validate(
        provided.descriptor.options, node.options, where=where, elsewhere=SECTION_KEYS
    )
    return (Chosen(key, provided, options) if options is not None else None), problems
