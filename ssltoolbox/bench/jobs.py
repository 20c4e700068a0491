"""The runs of a grid: every recipe with every combination of the sweep and every seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from ssltoolbox.bench.code import digest_of
from ssltoolbox.bench.grid import LoadedGrid, Setting
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import Override, Recipe, RecipeError, RecipeProblem, did_you_mean, dump
from ssltoolbox.recipe.problems import in_order, quoted, shown_path

KEY_LENGTH = 12


@dataclass(frozen=True)
class Job:
    """One run of a benchmark.

    Attributes:
        recipe: the recipe's name.
        point: the values of the swept options.
        seed: of the run.
        text: the resolved recipe as YAML.
        steps: of the training; 0 without one.
        evaluates: whether there are downstream tasks.
        key: digest of the resolved recipe and of the code that would run it.
    """

    recipe: str
    point: Mapping[str, Any] = field(hash=False)
    seed: int
    text: str
    steps: int
    evaluates: bool
    key: str

    @property
    def name(self) -> str:
        """Of its folder and its files."""
        return f"{self.recipe}-seed{self.seed}-{self.key}"


@dataclass(frozen=True)
class Jobs:
    """All runs of a grid, recipe by recipe.

    Attributes:
        all: the runs.
        warnings: what the recipes warn of, each once.
    """

    all: tuple[Job, ...]
    warnings: tuple[RecipeProblem, ...]


def plan_jobs(loaded: LoadedGrid, code: str, data_needed: bool = True) -> Jobs:
    """Resolves every recipe with every combination of the sweep.

    Args:
        loaded: the grid.
        code: version of the code, part of every run's key.
        data_needed: if False, data that is not there is a warning.

    Raises:
        RecipeError: with all problems of all of them, and when names or the baseline don't fit.
    """
    problems: list[RecipeProblem] = []
    plans: list[tuple[Path, Mapping[str, Any], Plan]] = []
    for file, point in product(loaded.recipes, _points(loaded)):
        overrides = [setting.override for setting in (*loaded.common, *point)]
        plan, found = _resolved(file, overrides, data_needed)
        problems += found
        if plan:
            plans.append((file, {setting.key: setting.value for setting in point}, plan))
    if all(problem.warning for problem in problems):
        problems += [*_same_names(loaded, plans), *_unknown_baseline(loaded, plans)]
    if any(not problem.warning for problem in problems):
        raise RecipeError(problems, loaded.path)
    jobs = [_job(plan, point, seed, code) for _, point, plan in plans for seed in loaded.grid.seeds]
    return Jobs(tuple(jobs), tuple(in_order(problems)))


def _points(loaded: LoadedGrid) -> list[tuple[Setting, ...]]:
    """Every combination of the swept values; one without any if nothing is swept."""
    return list(product(*loaded.sweep))


def _resolved(
    file: Path, overrides: list[Override], data_needed: bool
) -> tuple[Plan | None, list[RecipeProblem]]:
    try:
        plan = load_plan(file, overrides, data_needed)
    except RecipeError as error:
        return None, error.problems
    return plan, list(plan.warnings)


def _job(plan: Plan, point: Mapping[str, Any], seed: int, code: str) -> Job:
    recipe = Recipe.model_construct(**{**dict(plan.recipe), "seed": seed})
    text = dump(recipe)
    own_code = digest_of(recipe.plugins.files)
    key = hashlib.sha256("\n".join([text, code, own_code]).encode()).hexdigest()[:KEY_LENGTH]
    steps = plan.counts.steps if plan.trains else 0
    return Job(recipe.name, point, seed, text, steps, bool(recipe.evaluate), key)


def _same_names(
    loaded: LoadedGrid, plans: list[tuple[Path, Mapping[str, Any], Plan]]
) -> Iterator[RecipeProblem]:
    files: dict[str, set[Path]] = {}
    for file, _, plan in plans:
        files.setdefault(plan.recipe.name, set()).add(file)
    for name, same in files.items():
        if len(same) > 1:
            shown = " and ".join(map(shown_path, sorted(same)))
            message = f"{shown} have the same name {quoted(name)}"
            yield RecipeProblem(loaded.place("recipes"), message, "give each a 'name' of its own")


def _unknown_baseline(
    loaded: LoadedGrid, plans: list[tuple[Path, Mapping[str, Any], Plan]]
) -> Iterator[RecipeProblem]:
    baseline = loaded.grid.baseline
    names = list(dict.fromkeys(plan.recipe.name for _, _, plan in plans))
    if baseline is not None and baseline not in names:
        hint = did_you_mean(baseline, names) or f"the names are {', '.join(names)}"
        yield RecipeProblem(loaded.place("baseline"), f"no recipe is called {quoted(baseline)}", hint)
