"""Finds the plugins that a recipe names, and parses their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ssltoolbox.api import Kind, Options
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import SECTION_KEYS, ComponentNode, LoadedRecipe, RecipeProblem, validate
from ssltoolbox.registry import PluginError, Provided, Registry

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
    """The components that could be found, and what is wrong with the others.

    Attributes:
        chosen: the components that are right.
        problems: what is wrong with the others.
        lacking: the kinds of the others.
        cause: the exception of a broken plugin that may have one of the others.
    """

    chosen: Mapping[Kind, tuple[Chosen, ...]]
    problems: tuple[RecipeProblem, ...] = ()
    lacking: frozenset[Kind] = frozenset()
    cause: BaseException | None = None


def choose(loaded: LoadedRecipe, registry: Registry) -> Choice:
    """Every component of a recipe, as far as it is right.

    Raises:
        PluginError: when a plugin's model of its options fails otherwise than by refusing them.
    """
    problems: list[RecipeProblem] = []
    chosen: dict[Kind, list[Chosen]] = {}
    lacking: set[Kind] = set()
    causes: list[BaseException] = []
    seen: Counter[tuple[Kind, str]] = Counter()
    for node in loaded.component_nodes():
        kind = KINDS[node.section]
        seen[kind, node.name] += 1
        key = node.name if seen[kind, node.name] == 1 else f"{node.name}#{seen[kind, node.name]}"
        try:
            provided = registry.get(kind, node.name)
        except PluginError as error:
            problems.append(RecipeProblem(node.name_place, error.message, error.hint))
            causes += [error] if error.__cause__ else []
            lacking.add(kind)
            continue
        options, wrong = _options(node, provided)
        problems += wrong
        if options is None:
            lacking.add(kind)
        else:
            chosen.setdefault(kind, []).append(Chosen(key, provided, options, node.index))
    found = {kind: tuple(items) for kind, items in chosen.items()}
    return Choice(found, tuple(problems), frozenset(lacking), causes[0] if causes else None)


def _options(node: ComponentNode, provided: Provided) -> tuple[Options | None, list[RecipeProblem]]:
    model = provided.descriptor.options
    with provided.blamed_for(f"{model.__name__}"):
        return validate(model, node.options, where=provided.title, elsewhere=SECTION_KEYS)
