"""A recipe file becomes a plan, or all that is wrong with it, at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ssltoolbox.api import DataFacts, DataNotFound, DatasetOptions, Kind, NegativeSamplerOptions, UserError
from ssltoolbox.plan.checks import cross_checks
from ssltoolbox.plan.choose import SECTIONS, choose
from ssltoolbox.plan.plan import Chosen, Plan
from ssltoolbox.plan.schedule import Counts, Schedule
from ssltoolbox.recipe import Component, LoadedRecipe, Recipe, RecipeError, RecipeProblem, read
from ssltoolbox.registry import discover

ONE_EACH = (Kind.DATASETS, Kind.METHODS, Kind.VIEWS)


def load_recipe(path: Path | str, overrides: Sequence[str] = (), data_needed: bool = True) -> Plan:
    """Reads, validates and resolves a recipe, without importing torch.

    Args:
        path: the recipe's file.
        overrides: as for `--set`, such as `"optim.lr=0.01"`.
        data_needed: if False, data that is not there is a warning.

    Raises:
        RecipeError: with all problems, at their places.
    """
    loaded, problems = read(path, overrides)
    if loaded is None:
        raise RecipeError(problems, path)
    plugins = loaded.parts.get("plugins")
    missing = [file for file in plugins.files if not file.is_file()] if plugins else []
    problems += [_missing_file(loaded, file, plugins.files.index(file)) for file in missing]
    registry = discover(file for file in (plugins.files if plugins else ()) if file not in missing)
    choice = choose(loaded, registry)
    problems += choice.problems
    facts, data_problems = _facts(loaded, choice.chosen, data_needed)
    problems += data_problems
    plan = _plan(loaded, choice.chosen, facts)
    if plan is not None:
        problems += cross_checks(plan, loaded)
    if plan is None or any(not problem.warning for problem in problems):
        raise RecipeError(problems, path)
    return Plan(plan.recipe, plan.chosen, plan.facts, plan.counts, plan.schedule, tuple(problems))


def _missing_file(loaded: LoadedRecipe, file: Path, index: int) -> RecipeProblem:
    return RecipeProblem(loaded.node("plugins", "files", index).place, f"there is no file {file}")


def _facts(
    loaded: LoadedRecipe, chosen: Mapping[Kind, tuple[Chosen, ...]], data_needed: bool
) -> tuple[DataFacts | None, list[RecipeProblem]]:
    """The facts of the data, or what stands in their way."""
    for data in chosen.get(Kind.DATASETS, ()):
        assert isinstance(data.options, DatasetOptions)
        place = loaded.node("data").best_place
        try:
            return data.options.facts(), []
        except DataNotFound as error:
            return None, [RecipeProblem(place, error.message, error.hint, warning=not data_needed)]
        except UserError as error:
            return None, [RecipeProblem(place, error.message, error.hint)]
    return None, []


def _plan(
    loaded: LoadedRecipe, chosen: Mapping[Kind, tuple[Chosen, ...]], facts: DataFacts | None
) -> Plan | None:
    """The plan, if the recipe has all that it takes; its numbers are not checked yet."""
    parts = loaded.parts
    if not set(Recipe.model_fields) <= set(parts) or not all(chosen.get(kind) for kind in ONE_EACH):
        return None
    recipe = Recipe.model_construct(**{**parts, **_spelled_out(chosen)})
    counts = _counts(recipe, chosen, facts)
    return Plan(recipe, chosen, facts, counts, _schedule(recipe, counts))


def _spelled_out(chosen: Mapping[Kind, tuple[Chosen, ...]]) -> dict[str, Any]:
    """The recipe's components with the defaults of all options filled in."""
    sections: dict[str, Any] = {}
    for kind, items in chosen.items():
        components = tuple(
            Component(name=item.descriptor.name, options=item.options.model_dump(mode="json"))
            for item in items
        )
        sections[SECTIONS[kind]] = components[0] if kind in ONE_EACH else components
    return sections


def _counts(
    recipe: Recipe, chosen: Mapping[Kind, tuple[Chosen, ...]], facts: DataFacts | None
) -> Counts:
    trainer = recipe.trainer
    samplers = [item.options for item in chosen.get(Kind.NEGATIVE_SAMPLERS, ())]
    hard = sum(options.count for options in samplers if isinstance(options, NegativeSamplerOptions))
    draws = trainer.batch_size // (1 + hard)
    per_epoch = facts.clips // draws if facts and draws else 0
    steps = trainer.steps if trainer.steps is not None else (trainer.epochs or 0) * per_epoch
    return Counts(
        instances=trainer.batch_size,
        compared=trainer.batch_size // trainer.accumulate,
        draws=draws,
        hard_negatives=hard,
        images=2 * trainer.batch_size,
        steps_per_epoch=per_epoch,
        steps=steps,
        epochs=steps / per_epoch if per_epoch else math.nan,
    )


def _schedule(recipe: Recipe, counts: Counts) -> Schedule:
    optim = recipe.optim
    warmup = round(optim.warmup_epochs * counts.steps_per_epoch)
    return Schedule(
        kind=optim.schedule,
        lr=optim.lr,
        final_lr=optim.lr * optim.final_lr_fraction,
        warmup=min(warmup, counts.steps),
        steps=counts.steps,
    )
