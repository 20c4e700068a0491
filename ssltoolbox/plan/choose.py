"""Finds the plugins that a recipe names, and parses their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from ssltoolbox.api import EvaluatorOptions, Kind, Options
from ssltoolbox.plan.plan import Chosen, OwnData
from ssltoolbox.recipe import (
    SECTION_KEYS,
    ComponentNode,
    LoadedRecipe,
    Located,
    RecipeProblem,
    component_at,
    validate,
)
from ssltoolbox.registry import PluginError, Provided, Registry


@dataclass(frozen=True)
class Choice:
    """The components that were found, and the problems of the others.

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


@dataclass(frozen=True)
class _Wrong:
    problems: tuple[RecipeProblem, ...] = ()
    causes: tuple[BaseException, ...] = ()


def choose(loaded: LoadedRecipe, registry: Registry) -> Choice:
    """Every valid component of a recipe.

    Raises:
        PluginError: when a plugin's model of its options fails otherwise than by refusing them.
    """
    problems: list[RecipeProblem] = []
    chosen: dict[Kind, list[Chosen]] = {}
    lacking: set[Kind] = set()
    causes: list[BaseException] = []
    seen: Counter[tuple[Kind, str]] = Counter()
    for node in loaded.component_nodes():
        kind = node.kind
        seen[kind, node.name] += 1
        key = node.name if seen[kind, node.name] == 1 else f"{node.name}#{seen[kind, node.name]}"
        item, wrong = _chosen(node, kind, key, registry)
        problems += wrong.problems
        causes += wrong.causes
        if item is None:
            lacking.add(kind)
        else:
            chosen.setdefault(kind, []).append(item)
    found = {kind: tuple(items) for kind, items in chosen.items()}
    return Choice(found, tuple(problems), frozenset(lacking), causes[0] if causes else None)


def _chosen(node: ComponentNode, kind: Kind, key: str, registry: Registry) -> tuple[Chosen | None, _Wrong]:
    """The component that a node names, with its options and its own data."""
    try:
        provided = registry.get(kind, node.name)
    except PluginError as error:
        return None, _Wrong((RecipeProblem(node.name_place, error.message, error.hint),), _causes(error))
    options, problems = _options(node, provided)
    written = node.options.child("data")
    if (
        written is None
        or written.value is None
        or not issubclass(provided.descriptor.options, EvaluatorOptions)
    ):
        item = None if options is None else Chosen(key, provided, options, node.index)
        return item, _Wrong(tuple(problems))
    data, wrong = _own_data(written, node, provided, registry)
    wrong = _Wrong((*problems, *wrong.problems), wrong.causes)
    if options is None or data is None:
        return None, wrong
    spelled_out = {"name": data.descriptor.name, **data.options.model_dump(mode="json", by_alias=True)}
    options = options.model_copy(update={"data": spelled_out})
    return Chosen(key, provided, options, node.index, OwnData(data)), wrong


def _own_data(
    written: Located, node: ComponentNode, task: Provided, registry: Registry
) -> tuple[Chosen | None, _Wrong]:
    """The dataset that a task names for itself; what is no component at all, its options report."""
    component = component_at(Kind.DATASETS, node.index, written)
    if component is None:
        lacks = isinstance(written.value, dict)
        message = f"'data' of {task.title} needs 'name'"
        return None, _Wrong((RecipeProblem(written.best_place, message),) if lacks else ())
    return _chosen(component, Kind.DATASETS, component.name, registry)


def _options(node: ComponentNode, provided: Provided) -> tuple[Options | None, list[RecipeProblem]]:
    model = provided.descriptor.options
    with provided.blamed_for(f"{model.__name__}"):
        return validate(model, node.options, where=provided.title, elsewhere=SECTION_KEYS)


def _causes(error: PluginError) -> tuple[BaseException, ...]:
    return (error,) if error.__cause__ else ()
