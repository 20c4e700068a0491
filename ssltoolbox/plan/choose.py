"""Finds the plugins that a recipe names, and parses their options."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ssltoolbox.api import DatasetOptions, EvaluatorOptions, Kind, Options
from ssltoolbox.api.named import named_datasets
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
from ssltoolbox.recipe.values import located
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
class Wrong:
    """What is wrong with a component.

    Attributes:
        problems: its problems.
        causes: the exceptions of broken plugins behind them.
    """

    problems: tuple[RecipeProblem, ...] = ()
    causes: tuple[BaseException, ...] = ()

    def __add__(self, other: Wrong) -> Wrong:
        return Wrong(self.problems + other.problems, self.causes + other.causes)


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
        item, wrong = chosen_at(node, key, registry)
        problems += wrong.problems
        causes += wrong.causes
        if item is None:
            lacking.add(kind)
        else:
            chosen.setdefault(kind, []).append(item)
    found = {kind: tuple(items) for kind, items in chosen.items()}
    return Choice(found, tuple(problems), frozenset(lacking), causes[0] if causes else None)


def chosen_at(node: ComponentNode, key: str, registry: Registry) -> tuple[Chosen | None, Wrong]:
    """The component that a node names, with its options and the datasets in them."""
    try:
        provided = registry.get(node.kind, node.name)
    except PluginError as error:
        return None, Wrong((RecipeProblem(node.name_place, error.message, error.hint),), _causes(error))
    options, problems = _options(node, provided, registry)
    wrong = Wrong(tuple(problems))
    wrapped: tuple[Chosen, ...] = ()
    if options is not None:
        options, wrapped, of_wrapped = with_datasets(options, node.options, provided, registry)
        wrong += of_wrapped
    own, of_own = _own_data(node, provided, registry)
    wrong += of_own
    if options is None or of_own.problems:
        return None, wrong
    if own is not None:
        options = options.model_copy(update={"data": own.chosen.spelled_out})
    return Chosen(key, provided, options, node.index, own, wrapped), wrong


def _own_data(node: ComponentNode, task: Provided, registry: Registry) -> tuple[OwnData | None, Wrong]:
    """The data that a task names for itself; None where it names none."""
    written = node.options.child("data")
    if written is None or written.value is None:
        return None, Wrong()
    if not issubclass(task.descriptor.options, EvaluatorOptions):
        return None, Wrong()
    data, wrong = _dataset("data", written, task, registry)
    return (None if data is None else OwnData(data)), wrong


def with_datasets(
    options: Options, node: Located, owner: Provided, registry: Registry
) -> tuple[Options | None, tuple[Chosen, ...], Wrong]:
    """The options with the datasets that they name looked up, these datasets, and what is wrong with them.

    Args:
        options: as parsed.
        node: what they were parsed from.
        owner: of the options.
        registry: where datasets are looked up.
    """
    changed: dict[str, Any] = {}
    wrapped: list[Chosen] = []
    wrong = Wrong()
    for field, at, named in named_datasets(options):
        written = written_at(node, field, at) or located(named, field)
        data, found = _dataset(field, written, owner, registry)
        wrong = wrong + found
        if data is None:
            continue
        assert isinstance(data.options, DatasetOptions)
        wrapped.append(data)
        resolved = named.found(data.options, data.provided)
        if at is None:
            changed[field] = resolved
        else:
            items = changed.get(field, getattr(options, field))
            changed[field] = (*items[:at], resolved, *items[at + 1 :])
    if wrong.problems:
        return None, (), wrong
    return (options.model_copy(update=changed) if changed else options), tuple(wrapped), wrong


def written_at(node: Located, field: str, at: int | None) -> Located | None:
    """What options say of a field, or of one item of it; None where they say nothing."""
    written = node.child(field)
    return written if at is None else written and written.child(at)


def _dataset(key: str, written: Located, owner: Provided, registry: Registry) -> tuple[Chosen | None, Wrong]:
    """The dataset that the options of a component name; what is no component at all, its options report."""
    component = component_at(Kind.DATASETS, None, written)
    if component is None:
        lacks = isinstance(written.value, dict)
        message = f"{key!r} of {owner.title} needs 'name'"
        return None, Wrong((RecipeProblem(written.best_place, message),) if lacks else ())
    return chosen_at(component, component.name, registry)


def _options(
    node: ComponentNode, provided: Provided, registry: Registry
) -> tuple[Options | None, list[RecipeProblem]]:
    model, elsewhere = provided.descriptor.options, dict(SECTION_KEYS)
    if issubclass(model, EvaluatorOptions):
        datasets = [item for item in registry.all() if item.kind == Kind.DATASETS]
        elsewhere["data"] = tuple(
            {key: None for item in datasets for key in item.descriptor.options.model_fields}
        )
    with provided.blamed_for(f"{model.__name__}"):
        return validate(model, node.options, where=provided.title, elsewhere=elsewhere)


def _causes(error: PluginError) -> tuple[BaseException, ...]:
    return (error,) if error.__cause__ else ()
