"""A grid file: the recipes, seeds, tasks and baseline of a benchmark."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from ssltoolbox.api import OptionError, is_url
from ssltoolbox.bench.settings import (
    GridOption,
    LoadedVariant,
    Variant,
    settings_of,
    values_of,
    variants_of,
)
from ssltoolbox.recipe import (
    FlatComponent,
    Located,
    Override,
    Place,
    RecipeError,
    RecipeProblem,
    Section,
    resolve_path,
    validate,
)
from ssltoolbox.recipe.find import find_recipe
from ssltoolbox.recipe.problems import quoted, shown, shown_path
from ssltoolbox.recipe.source import read_file
from ssltoolbox.support.paths import ADVICE, NOT_SUPPORTED

WAYS_TO_SET = {"set": "set", "sweep": "swept", "with_seeds": "set with the seeds"}
"""Sections of a grid that change recipes, and the word for it."""


class Requests(Section):
    """What each run asks of a cluster, with `bench --engine`."""

    minutes: int = Field(default=240, ge=1)
    """Time; a run that needs more is saved, queued again and resumed."""

    gpus: int = Field(default=0, ge=0)
    """GPUs of the node."""

    cpus: int = Field(default=4, ge=1)
    """Cores."""

    memory_gb: float | None = Field(default=None, gt=0)
    """Memory of the node in GB; the cluster's default if not given."""

    partition: str | None = None
    """SLURM's partition."""

    seconds_to_save: int = Field(default=120, ge=10)
    """How long before the end of the time a run is told to save."""

    slurm: dict[str, Any] = Field(default_factory=dict)
    """Other options of sbatch, such as `account: lab` or `qos: long`."""

    @model_validator(mode="after")
    def _has_time_to_train(self) -> Self:
        # SLURM may send its signal up to a minute early; a run that gets it at its start would never end.
        if self.minutes * 60 <= self.seconds_to_save + 60:
            least = self.seconds_to_save // 60 + 2
            raise OptionError(
                f"{self.minutes} minutes leave no time before the {self.seconds_to_save} seconds to save",
                f"minutes: {least} or more, or fewer seconds_to_save",
                options=("minutes",),
            )
        return self


class Grid(Section):
    """Recipes, their seeds, and the changes to them."""

    recipes: tuple[str, ...] = Field(min_length=1)
    """Recipes by path or by name, or patterns such as `rows/*.yaml`; relative to this file."""

    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field(default=(0,), min_length=1)
    """The seeds that each recipe is run with."""

    tasks: tuple[FlatComponent, ...] | None = None
    """Downstream tasks of every run; each recipe's own if they are not given."""

    baseline: str | None = None
    """The name of the recipe that the others are compared with."""

    compare: tuple[tuple[str, str], ...] = ()
    """Pairs of names of recipes; the tables show the first minus the second, paired by seed and point of the
    sweep. A variant is called `<recipe>-<variant>`."""

    settings: dict[str, Any] = Field(default_factory=dict, alias="set")
    """Options of every recipe, such as `trainer.epochs: 5`."""

    variants: dict[str, Variant] = Field(default_factory=dict)
    """Named changes, such as strategies. Every recipe is run without them, and once with those of each variant."""

    sweep: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Options with several values each; every recipe is run with each combination."""

    with_seeds: dict[str, Annotated[tuple[Any, ...], Field(min_length=1)]] = Field(default_factory=dict)
    """Options with a value for each seed, in their order: `data.world: [1, 2, 3]` gives each its own world."""

    neighbours: bool = False
    """Whether the tables also have scores by nearest neighbours. Tasks with `protocol: linear` measure both."""

    cluster: Requests = Field(default_factory=Requests)
    """What each run asks of a cluster."""


def grid_schema() -> dict[str, Any]:
    """A JSON Schema for editors; `bench --dry-run` checks the values that a grid sets."""
    schema = Grid.model_json_schema()
    return schema | {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "ssltoolbox benchmark grid",
    }


@dataclass(frozen=True)
class LoadedGrid:
    """A grid without mistakes of its own; whether its recipes resolve is not known yet.

    Attributes:
        path: its file.
        grid: its content.
        tree: its content with places.
        recipes: the recipes' files.
        common: the changes of `set` and `tasks` to every recipe.
        variants: named changes; each makes further rows of the recipes.
        sweep: for each option the values that it takes.
        with_seeds: for each option the values that go with the seeds.
    """

    path: Path
    grid: Grid
    tree: Located
    recipes: tuple[Path, ...]
    common: tuple[GridOption, ...]
    variants: Mapping[str, LoadedVariant]
    sweep: tuple[tuple[GridOption, ...], ...]
    with_seeds: tuple[tuple[GridOption, ...], ...]

    def place(self, *path: str | int) -> Place:
        """The place of a value; the start of the grid if the value is not written."""
        node = self.tree
        for key in path:
            node = node.child(key) or node
        return node.place


def load_grid(path: Path) -> LoadedGrid:
    """
    Raises:
        RecipeError: with all problems of the file, at their places.
    """
    path = path.absolute()
    tree, problems = read_file(path)
    if tree is not None and (mistake := _not_a_grid(tree)):
        problems.append(mistake)
    if tree is None or mistake:
        raise RecipeError(problems, path)
    grid, found = validate(Grid, tree, where="the grid")
    problems += found
    recipes = list(_recipe_files(tree, problems))
    common = [*_tasks(tree), *settings_of(tree.child("set"), problems)]
    sweep, with_seeds = list(_sweep(tree, problems)), list(_with_seeds(tree, problems))
    variants = variants_of(tree.child("variants"), problems)
    problems += [*_repeated_seeds(tree), *_set_twice(tree)]
    if problems or grid is None:
        raise RecipeError(problems, path)
    return LoadedGrid(
        path,
        grid,
        tree,
        tuple(dict.fromkeys(recipes)),
        tuple(common),
        variants,
        tuple(sweep),
        tuple(with_seeds),
    )


def _not_a_grid(tree: Located) -> RecipeProblem | None:
    """A description of a file that is no grid."""
    hint = "a grid begins with 'recipes:'"
    if tree.value is None:
        return RecipeProblem(Place(tree.place.file), "this file is empty", hint)
    if not isinstance(tree.value, dict):
        return RecipeProblem(tree.place, f"a grid is a mapping, not {shown(tree.value)}", hint)
    if "recipe" in tree.value and "recipes" not in tree.value:
        place = tree.value["recipe"].best_place
        return RecipeProblem(place, "this is a recipe, not a grid", f"run it by ssltoolbox train; {hint}")
    return None


def _recipe_files(tree: Located, problems: list[RecipeProblem]) -> Iterator[Path]:
    """The files that the paths and patterns under `recipes` stand for."""
    recipes = tree.child("recipes")
    for _, named in recipes.items() if recipes else ():
        if not isinstance(named.value, str):
            continue
        path = resolve_path(named)
        if not glob.has_magic(named.value):
            file, found = find_recipe(named.value, path, named.place)
            problems += found
            if file:
                problems += read_file(file, named.place)[1]
                yield file
        elif is_url(named.value):
            problems.append(RecipeProblem(named.place, NOT_SUPPORTED, ADVICE))
        elif files := sorted(glob.glob(str(path), recursive=True)):
            yield from map(Path, files)
        else:
            problems.append(RecipeProblem(named.place, f"no file matches {shown_path(path)}"))


def _tasks(tree: Located) -> Iterator[GridOption]:
    tasks = tree.child("tasks")
    if tasks is not None and tasks.value is not None:
        place = tasks.best_place
        yield GridOption("evaluate", tasks.plain(), Override(("evaluate",), (place,), tasks))


def _sweep(tree: Located, problems: list[RecipeProblem]) -> Iterator[tuple[GridOption, ...]]:
    sweep = tree.child("sweep")
    for key, values in sweep.mapping.items() if sweep else ():
        elements = [value for _, value in values.items()]
        for first, second in combinations(elements, 2):
            if first.plain() == second.plain():
                problems.append(RecipeProblem(second.place, f"{quoted(key)} takes this value already"))
        yield from values_of(key, values, problems)


def _with_seeds(tree: Located, problems: list[RecipeProblem]) -> Iterator[tuple[GridOption, ...]]:
    node, seeds = tree.child("with_seeds"), tree.child("seeds")
    count = len(list(seeds.items())) if seeds else 1
    for key, values in node.mapping.items() if node else ():
        found = len(list(values.items()))
        if found != count:
            message = f"{quoted(key)} has {found} values for {count} seeds"
            problems.append(RecipeProblem(values.best_place, message, "give each seed one"))
        yield from values_of(key, values, problems)


def _repeated_seeds(tree: Located) -> Iterator[RecipeProblem]:
    seeds = tree.child("seeds")
    seen = set()
    for _, seed in seeds.items() if seeds else ():
        if isinstance(seed.value, int) and seed.value in seen:
            yield RecipeProblem(seed.place, f"seed {seed.value} is here for the second time")
        if isinstance(seed.value, int):
            seen.add(seed.value)


def _set_twice(tree: Located) -> Iterator[RecipeProblem]:
    sections = [(word, node) for name, word in WAYS_TO_SET.items() if (node := tree.child(name))]
    pairs = list(combinations(sections, 2))
    variants = tree.child("variants")
    for _, variant in variants.items() if variants else ():
        if settings := variant.child("set"):
            # A variant may change what `set` says for every recipe.
            pairs += [(("set by a variant", settings), other) for other in sections if other[0] != "set"]
    for (first_word, first), (second_word, second) in pairs:
        for key, value in second.mapping.items():
            if key in first.mapping:
                line = first.mapping[key].best_place.line
                message = f"{quoted(key)} can't be both {first_word} and {second_word}"
                yield RecipeProblem(value.best_place, message, f"it is {first_word} on line {line}")
