"""Resolves a recipe to a plan, or reports all its problems at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ssltoolbox.api import (
    KINDS,
    DataFacts,
    DataNotFound,
    DatasetOptions,
    Kind,
    MethodDescriptor,
    NegativeSamplerOptions,
    ScheduleSetting,
    UserError,
)
from ssltoolbox.api.named import named_datasets
from ssltoolbox.plan.checks import component_checks, number_checks, training_checks
from ssltoolbox.plan.choose import choose, written_at
from ssltoolbox.plan.idle_keys import without_idle_keys
from ssltoolbox.plan.plan import Chosen, OwnData, Plan
from ssltoolbox.plan.schedule import Counts, LearningRate, scaled_lr, warmup_steps
from ssltoolbox.plan.splits import split_checks
from ssltoolbox.plan.trainer_checks import trainer_checks
from ssltoolbox.plan.weights import weights_checks
from ssltoolbox.recipe import (
    Component,
    LoadedRecipe,
    Located,
    Override,
    Place,
    Recipe,
    RecipeError,
    RecipeProblem,
    read,
    read_values,
    resolve_path,
)
from ssltoolbox.recipe.annotations import paths
from ssltoolbox.recipe.problems import belongs, in_order
from ssltoolbox.registry import Registry, discover


def load_plan(path: Path | str, overrides: Sequence[str | Override] = (), data_needed: bool = True) -> Plan:
    """Reads, validates and resolves a recipe, without importing torch.

    Args:
        path: the recipe's file, or the name of a recipe that comes with the toolbox.
        overrides: as for `--set`, such as `"optim.lr=0.01"`; or values of another file.
        data_needed: if False, data and weights that are not there are a warning.

    Raises:
        RecipeError: with all problems, at their places. Its cause is the exception of a broken plugin that it
            names, or that may have what was not found.
        PluginError: when the code that a plugin has for its options fails.
    """
    loaded, problems = read(path, overrides)
    if loaded is None:
        raise RecipeError(problems, path)
    return resolve(loaded, problems, data_needed)


def plan_of(
    recipe: Recipe | Mapping[str, Any], overrides: Sequence[str | Override] = (), data_needed: bool = True
) -> Plan:
    """The plan of a recipe from Python values; see `load_plan`. Errors name the fields."""
    return resolve(*read_values(recipe, overrides), data_needed)


def resolve(loaded: LoadedRecipe, problems: list[RecipeProblem], data_needed: bool = True) -> Plan:
    """The plan of a recipe from a file or from Python values; see `load_plan`.

    Args:
        loaded: the recipe.
        problems: what is known to be wrong with it.
        data_needed: if False, data that is not there is a warning.

    Raises:
        RecipeError, PluginError: as `load_plan`.
    """
    registry, file_problems = _registry(loaded)
    choice = choose(loaded, registry)
    loaded, idle = without_idle_keys(loaded, choice.chosen)
    facts, data_problems = _facts(loaded, choice.chosen, data_needed)
    chosen, own_problems = _with_own_facts(loaded, choice.chosen, data_needed)
    misplaced = [_with_home(problem, choice.chosen) for problem in (*problems, *choice.problems)]
    problems = [*misplaced, *file_problems, *idle, *data_problems, *own_problems]
    problems += component_checks(chosen, facts, loaded)
    problems += trainer_checks(chosen, loaded)
    lacking = list(training_checks(chosen, loaded))
    problems += lacking
    problems += split_checks(chosen, loaded, data_needed)
    problems += weights_checks(loaded, data_needed)
    plan = None if lacking else _plan(loaded, chosen, facts)
    # A sampler that is missing would change all numbers.
    if plan is not None and Kind.NEGATIVE_SAMPLERS not in choice.lacking:
        problems += number_checks(plan, loaded)
    if plan is None or any(not problem.warning for problem in problems):
        raise RecipeError(problems, loaded.source) from choice.cause or _error_in_a_file(registry)
    return replace(plan, warnings=tuple(in_order(problems)))


def load_recipe(path: Path | str, overrides: Sequence[str | Override] = ()) -> Recipe:
    """A validated recipe with the defaults of all options; its data may be missing.

    Args:
        path: the recipe's file, or the name of a recipe that comes with ssltoolbox.
        overrides: values as for `--set`, such as `"optim.lr=0.01"`.

    Raises:
        RecipeError: if the recipe has problems; it has all of them, with their lines.
    """
    return load_plan(path, overrides, data_needed=False).recipe


def with_facts(plan: Plan, facts: DataFacts | None) -> Plan:
    """The plan with given facts of missing data, and the numbers that follow from them."""
    counts = _counts(plan.recipe, plan.chosen, facts)
    return replace(
        plan, facts=facts, counts=counts, schedule=_learning_rate(plan.recipe, plan.chosen, counts)
    )


def _with_home(problem: RecipeProblem, chosen: Mapping[Kind, tuple[Chosen, ...]]) -> RecipeProblem:
    """The problem; if its unknown key is an option of components of the recipe, with their sections."""
    homes = [
        f"{kind.section}.options" if kind.nested else kind.section
        for kind, items in chosen.items()
        if any(problem.unknown in item.descriptor.options.model_fields for item in items)
    ]
    return replace(problem, hint=belongs(problem.unknown, homes)) if homes else problem


def _registry(loaded: LoadedRecipe) -> tuple[Registry, list[RecipeProblem]]:
    """The installed plugins and those of the recipe's files, and the problems of these files."""
    plugins = loaded.sections.get("plugins")
    files = plugins.files if plugins else ()
    registry = discover(file for file in files if file.is_file())
    broken = {plugin.origin.module: plugin.reason for plugin in registry.broken}
    problems = []
    for index, file in enumerate(files):
        place = loaded.node("plugins", "files", index).place
        if not file.is_file():
            problems.append(RecipeProblem(place, f"there is no file {file}"))
        elif str(file) in broken:
            problems.append(RecipeProblem(place, f"this plugin is broken: {broken[str(file)]}"))
    return registry, problems


def _error_in_a_file(registry: Registry) -> BaseException | None:
    errors = (plugin.error for plugin in registry.broken if not plugin.origin.distribution)
    return next((error for error in errors if error), None)


def _facts(
    loaded: LoadedRecipe, chosen: Mapping[Kind, tuple[Chosen, ...]], data_needed: bool
) -> tuple[DataFacts | None, list[RecipeProblem]]:
    """The facts of the data, or the problems of finding them."""
    for data in chosen.get(Kind.DATASETS, ()):
        return _facts_of(data, loaded.node(Kind.DATASETS.section), data_needed)
    return None, []


def _with_own_facts(
    loaded: LoadedRecipe, chosen: Mapping[Kind, tuple[Chosen, ...]], data_needed: bool
) -> tuple[Mapping[Kind, tuple[Chosen, ...]], list[RecipeProblem]]:
    """The components, with the facts of tasks' own data."""
    problems: list[RecipeProblem] = []
    tasks = []
    known = list(chosen.get(Kind.DATASETS, ()))
    for task in chosen.get(Kind.EVALUATORS, ()):
        if task.own_data:
            data = _as_known(task.own_data.chosen, known)
            known.append(data)
            node = loaded.node(Kind.EVALUATORS.section, task.index or 0, "data")
            facts, wrong = _facts_of(data, node, data_needed)
            task = replace(task, own_data=OwnData(data, facts))
            problems += wrong
        tasks.append(task)
    return ({**chosen, Kind.EVALUATORS: tuple(tasks)} if tasks else chosen), problems


def _as_known(data: Chosen, known: Sequence[Chosen]) -> Chosen:
    """The data with the options object of the same data named before, which caches its listing."""
    same = (other for other in known if (other.provided, other.options) == (data.provided, data.options))
    return replace(data, options=next(same, data).options)


def _facts_of(data: Chosen, node: Located, data_needed: bool) -> tuple[DataFacts | None, list[RecipeProblem]]:
    """The facts of a dataset at a node, or the problems of finding them."""
    assert isinstance(data.options, DatasetOptions)
    try:
        with data.provided.blamed_for("facts()"):
            return data.options.facts(), []
    except UserError as error:
        warning = isinstance(error, DataNotFound) and not data_needed
        return None, [RecipeProblem(_place_of_path(error, data, node), error.message, error.hint, warning)]


def _place_of_path(error: UserError, data: Chosen, node: Located) -> Place:
    """The place of the path that an error names; else the place of the dataset."""
    named = _paths_of(data, node)
    return next((path.place for path in named if str(resolve_path(path)) in str(error)), node.best_place)


def _paths_of(data: Chosen, node: Located) -> Iterator[Located]:
    """The paths that the options of a dataset have, and those of the datasets that it wraps."""
    for path, _ in paths(node, [data.descriptor.options]):
        yield path
    for (field, at, _), inner in zip(named_datasets(data.options), data.wrapped, strict=True):
        if written := written_at(node, field, at):
            yield from _paths_of(inner, written)


def _plan(
    loaded: LoadedRecipe, chosen: Mapping[Kind, tuple[Chosen, ...]], facts: DataFacts | None
) -> Plan | None:
    """The plan, if the recipe is complete; its numbers are not checked yet."""
    sections = loaded.sections
    if not set(Recipe.model_fields) <= set(sections):
        return None
    needed = [kind for kind in KINDS.values() if kind.required]
    needed += [Kind.OPTIMISERS, Kind.SCHEDULES] if sections["optim"] else []
    if not all(chosen.get(kind) for kind in needed):
        return None
    recipe = Recipe.model_construct(**_spelled_out(sections, chosen))
    counts = _counts(recipe, chosen, facts)
    return Plan(
        recipe, chosen, facts, counts, _learning_rate(recipe, chosen, counts), own_keys=loaded.own_keys
    )


def _spelled_out(sections: Mapping[str, Any], chosen: Mapping[Kind, tuple[Chosen, ...]]) -> dict[str, Any]:
    """The recipe's sections with the defaults of all options of its components filled in."""
    whole = dict(sections)
    for kind, items in chosen.items():
        components = tuple(
            Component(name=item.descriptor.name, options=item.options.model_dump(mode="json", by_alias=True))
            for item in items
        )
        first, *rest = kind.path
        if kind.nested:
            whole[first] = whole[first].model_copy(update={"options": components[0].options})
        elif rest:
            whole[first] = whole[first].model_copy(
                update={rest[0]: components if kind.many else components[0]}
            )
        else:
            whole[first] = components if kind.many else components[0]
    return whole


def _counts(recipe: Recipe, chosen: Mapping[Kind, tuple[Chosen, ...]], facts: DataFacts | None) -> Counts:
    trainer = recipe.trainer
    samplers = [item.options for item in chosen.get(Kind.NEGATIVE_SAMPLERS, ())]
    hard = sum(options.count for options in samplers if isinstance(options, NegativeSamplerOptions))
    (method,) = chosen[Kind.METHODS]
    assert isinstance(method.descriptor, MethodDescriptor)
    batch_size = trainer.batch_size or 0
    draws = batch_size // (1 + hard)
    per_epoch = facts.clips // draws if facts and draws else 0
    steps = trainer.steps if trainer.steps is not None else (trainer.epochs or 0) * per_epoch
    return Counts(
        instances=batch_size,
        compared=batch_size // trainer.accumulate,
        draws=draws,
        hard_negatives=hard,
        images=batch_size * (2 if method.descriptor.pairs else 1),
        steps_per_epoch=per_epoch,
        steps=steps,
        epochs=steps / per_epoch if per_epoch else math.nan,
    )


def _learning_rate(
    recipe: Recipe, chosen: Mapping[Kind, tuple[Chosen, ...]], counts: Counts
) -> LearningRate | None:
    """The learning rate over the run; None for a recipe without an optimiser."""
    optim = recipe.optim
    if optim is None:
        return None
    (schedule,) = chosen[Kind.SCHEDULES]
    warmup = min(warmup_steps(optim, counts), counts.steps)
    setting = ScheduleSetting(counts.steps - warmup, counts.steps_per_epoch, optim.final_lr_fraction)
    return LearningRate(
        schedule.provided, schedule.options, setting, scaled_lr(optim, counts.instances), warmup
    )
