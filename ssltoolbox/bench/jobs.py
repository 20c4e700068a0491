"""The runs of a grid: every recipe with every variant, every combination of the sweep and every seed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from ssltoolbox.api.suggest import did_you_mean
from ssltoolbox.bench.grid import LoadedGrid
from ssltoolbox.bench.settings import GridOption, LoadedVariant
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import Located, Override, Recipe, RecipeError, RecipeProblem, dump, read
from ssltoolbox.recipe.problems import in_order, quoted, shown_path
from ssltoolbox.registry.code import digest_of

KEY_LENGTH = 12


@dataclass(frozen=True)
class Job:
    """One run of a benchmark.

    Attributes:
        recipe: the recipe's name; with a variant, `<name>-<variant>`.
        point: the values of the swept options.
        seed: of the run.
        text: the resolved recipe as YAML.
        steps: of the training; 0 without one.
        evaluates: whether there are downstream tasks.
        key: digest of the resolved recipe and of the code that would run it.
        unchanged: the name of the recipe without the variant; None for a run without a variant.
        variant: the variant's name.
    """

    recipe: str
    point: Mapping[str, Any] = field(hash=False)
    seed: int
    text: str
    steps: int
    evaluates: bool
    key: str
    unchanged: str | None = None
    variant: str | None = None

    @property
    def name(self) -> str:
        """The name of its folder and files."""
        return f"{self.recipe}-seed{self.seed}-{self.key}"


@dataclass(frozen=True)
class Jobs:
    """All runs of a grid.

    Attributes:
        all: the runs, seed by seed.
        warnings: the warnings of the recipes, each once.
    """

    all: tuple[Job, ...]
    warnings: tuple[RecipeProblem, ...]


def plan_jobs(loaded: LoadedGrid, code: str, data_needed: bool = True) -> Jobs:
    """Resolves every recipe with every variant and every combination of the sweep.

    Args:
        loaded: the grid.
        code: version of the code, part of every run's key.
        data_needed: if False, data that is not there is a warning.

    Raises:
        RecipeError: with all problems of all of them, and when names, the baseline or pairs to compare don't fit.
    """
    problems: list[RecipeProblem] = []
    plans: list[tuple[_Row, Mapping[str, Any], tuple[int, ...], Plan]] = []
    rows = _rows(loaded, problems)
    for row, point, (seeds, own) in product(rows, _points(loaded), _seeds(loaded)):
        overrides = [setting.override for setting in (*loaded.common, *row.options, *point, *own)]
        plan, found = _resolved(row.file, [*overrides, *row.name], data_needed)
        problems += found
        if plan:
            plans.append((row, {setting.key: setting.value for setting in point}, seeds, plan))
    if all(problem.warning for problem in problems):
        names = [(row.file, plan.recipe.name) for row, _, _, plan in plans]
        problems += [*_same_names(loaded, names), *_unknown_names(loaded, names)]
    if any(not problem.warning for problem in problems):
        raise RecipeError(problems, loaded.path)
    jobs = [_job(plan, row, point, seed, code) for row, point, seeds, plan in plans for seed in seeds]
    # Seed by seed, so that the recipes can be compared before all runs are done.
    jobs.sort(key=lambda job: loaded.grid.seeds.index(job.seed))
    return Jobs(tuple(jobs), tuple(in_order(problems)))


@dataclass(frozen=True)
class _Row:
    """A recipe, with or without a variant."""

    file: Path
    unchanged: str
    variant: LoadedVariant | None = None

    @property
    def options(self) -> tuple[GridOption, ...]:
        return self.variant.options if self.variant else ()

    @property
    def name(self) -> list[Override]:
        """Names the recipe after the variant; nothing without one."""
        if self.variant is None:
            return []
        place = self.variant.place
        return [Override(("name",), (place,), Located(f"{self.unchanged}-{self.variant.name}", place))]


def _rows(loaded: LoadedGrid, problems: list[RecipeProblem]) -> list[_Row]:
    """Every recipe as it is, and with each of its variants."""
    if not loaded.variants:
        return [_Row(file, file.stem) for file in loaded.recipes]
    rows = []
    for file in loaded.recipes:
        name = _name_of(file)
        rows.append(_Row(file, name))
        rows += [_Row(file, name, variant) for variant in loaded.variants.values() if variant.changes(name)]
    problems += _unknown_recipes(loaded, [row.unchanged for row in rows])
    return rows


def _name_of(file: Path) -> str:
    """The name of a recipe; that of its file if the recipe can't be read, which is reported elsewhere."""
    recipe, _ = read(file)
    return str(recipe.sections.get("name", file.stem)) if recipe else file.stem


def _unknown_recipes(loaded: LoadedGrid, known: list[str]) -> Iterator[RecipeProblem]:
    """Names of recipes in variants that no recipe of the grid has; each once."""
    places = {place: name for its in loaded.variants.values() for name, place in (its.recipes or {}).items()}
    for place, name in places.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"the names are {', '.join(dict.fromkeys(known))}"
            yield RecipeProblem(place, f"no recipe is called {quoted(name)}", hint)


def _points(loaded: LoadedGrid) -> list[tuple[GridOption, ...]]:
    """Every combination of the swept values; one without any if nothing is swept."""
    return list(product(*loaded.sweep))


def _seeds(loaded: LoadedGrid) -> list[tuple[tuple[int, ...], tuple[GridOption, ...]]]:
    """Seeds that share their settings, with those: all of them, unless each has settings of its own."""
    seeds = loaded.grid.seeds
    if not loaded.with_seeds:
        return [(seeds, ())]
    return [((seed,), own) for seed, own in zip(seeds, zip(*loaded.with_seeds, strict=True), strict=True)]


def _resolved(
    file: Path, overrides: list[Override], data_needed: bool
) -> tuple[Plan | None, list[RecipeProblem]]:
    try:
        plan = load_plan(file, overrides, data_needed)
    except RecipeError as error:
        return None, error.problems
    return plan, list(plan.warnings)


def _job(plan: Plan, row: _Row, point: Mapping[str, Any], seed: int, code: str) -> Job:
    recipe = Recipe.model_construct(**{**dict(plan.recipe), "seed": seed})
    text = dump(recipe)
    own_code = digest_of(recipe.plugins.files)
    key = hashlib.sha256("\n".join([text, code, own_code]).encode()).hexdigest()[:KEY_LENGTH]
    steps = plan.counts.steps if plan.trains else 0
    variant = (row.unchanged, row.variant.name) if row.variant else ()
    return Job(recipe.name, point, seed, text, steps, bool(recipe.evaluate), key, *variant)


def _same_names(loaded: LoadedGrid, names: list[tuple[Path, str]]) -> Iterator[RecipeProblem]:
    files: dict[str, set[Path]] = {}
    for file, name in names:
        files.setdefault(name, set()).add(file)
    for name, same in files.items():
        if len(same) > 1:
            shown = " and ".join(map(shown_path, sorted(same)))
            message = f"{shown} have the same name {quoted(name)}"
            yield RecipeProblem(loaded.place("recipes"), message, "give each a 'name' of its own")


def _unknown_names(loaded: LoadedGrid, names: list[tuple[Path, str]]) -> Iterator[RecipeProblem]:
    """Names under `baseline` or `compare` that no recipe has."""
    known = list(dict.fromkeys(name for _, name in names))
    used = [(loaded.grid.baseline, loaded.place("baseline"))]
    used += [
        (name, loaded.place("compare", row, side))
        for row, pair in enumerate(loaded.grid.compare)
        for side, name in enumerate(pair)
    ]
    for name, place in used:
        if name is not None and name not in known:
            hint = did_you_mean(name, known) or f"the names are {', '.join(known)}"
            yield RecipeProblem(place, f"no recipe is called {quoted(name)}", hint)
