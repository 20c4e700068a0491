"""Checks the splits that downstream tasks need, before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import get_args

from ssltoolbox.api import (
    DataFacts,
    DataNotFound,
    DatasetOptions,
    EvaluatorOptions,
    Kind,
    Problem,
    Split,
    UserError,
)
from ssltoolbox.api.errors import and_of
from ssltoolbox.api.options import facts_of
from ssltoolbox.plan.needs import lacking
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import LoadedRecipe, RecipeProblem
from ssltoolbox.recipe.place import Place
from ssltoolbox.support.words import counted

SPLITS: tuple[Split, ...] = get_args(Split)
SplitFacts = Mapping[Split, DataFacts | UserError | None]
"""Split → its facts, or the error, or None if they are not known."""


def split_checks(
    chosen: Mapping[Kind, tuple[Chosen, ...]], loaded: LoadedRecipe, data_needed: bool
) -> Iterator[RecipeProblem]:
    """Problems of the splits that tasks need, and warnings about unused files in the data's folder.

    A training split that can't be used, and data without any labels or pairs, are reported elsewhere.

    Args:
        chosen: the components.
        loaded: the recipe.
        data_needed: if False, data that is not there is a warning.

    Raises:
        PluginError: when a plugin's `facts` or `split_problems` fails.
    """
    data = next(iter(chosen.get(Kind.DATASETS, ())), None)
    known: dict[int, list[SplitFacts]] = {}
    for task in chosen.get(Kind.EVALUATORS, ()):
        source = task.own_data.chosen if task.own_data else data
        if source is None or not isinstance(task.options, EvaluatorOptions):
            continue
        folds = known.get(id(source.options)) or _facts_of_folds(source)
        known[id(source.options)] = folds
        train = folds[0]["train"]
        # Data that is none for the task at all is reported elsewhere.
        if isinstance(train, UserError) or (train and lacking(task.needs, train)):
            continue
        problems = [_task_problems(task, facts, data_needed) for facts in folds]
        index = () if task.index is None else (task.index,)
        for problem in _over_folds(problems):
            option = (problem.option,) if problem.option else ()
            place = loaded.node(Kind.EVALUATORS.section, *index, *option).best_place
            yield RecipeProblem(place, f"{task.title}: {problem.message}", problem.hint, problem.warning)
        if task.own_data:
            yield from _warnings(folds[0], loaded.node(Kind.EVALUATORS.section, *index, "data").best_place)
    if data is not None:
        (first, *_) = known.get(id(data.options)) or [{"train": _facts(data, "train")}]
        yield from _warnings(first, loaded.node(Kind.DATASETS.section).best_place)


def _facts_of_folds(data: Chosen) -> list[SplitFacts]:
    """The facts of the data; of each of its folds, where tasks are measured on all of them."""
    try:
        folds = data.per_fold()
    except UserError as error:
        return [dict.fromkeys(SPLITS, error)]
    return [{split: _facts(fold, split) for split in SPLITS} for fold in folds]


def _over_folds(problems: Sequence[Sequence[Problem]]) -> Iterator[Problem]:
    """Each problem once, with the folds that have it where not all have."""
    for problem in dict.fromkeys(chain.from_iterable(problems)):
        folds = [number for number, found in enumerate(problems, start=1) if problem in found]
        if len(folds) < len(problems):
            named = f"fold{'s' * (len(folds) > 1)} {and_of(map(str, folds))} of {len(problems)}"
            problem = replace(problem, message=f"{named}: {problem.message}")
        yield problem


def _facts(data: Chosen, split: Split) -> DataFacts | UserError | None:
    assert isinstance(data.options, DatasetOptions)
    try:
        with data.provided.blamed_for("facts()"):
            return facts_of(data.options, split)
    except UserError as error:
        return error


def _task_problems(task: Chosen, facts: SplitFacts, data_needed: bool) -> list[Problem]:
    assert isinstance(task.options, EvaluatorOptions)
    known: dict[Split, DataFacts] = {}
    problems: list[Problem] = []
    for split in task.options.splits:
        found = facts[split]
        if isinstance(found, UserError):
            warning = isinstance(found, DataNotFound) and not data_needed
            message = f"it needs the {split} split of the data: {found.message}"
            problems.append(Problem("", message, found.hint, warning))
        elif found and not found.clips:
            hint = "choose the data's options so that it has some"
            problems.append(
                Problem("", f"it needs the {split} split of the data, but this split has no clips", hint)
            )
        elif found:
            known[split] = found
    with task.provided.blamed_for("split_problems()"):
        problems += task.options.split_problems(known)
    return problems


def _warnings(facts: SplitFacts, place: Place) -> Iterator[RecipeProblem]:
    """What is not used of the data, and what its options warn of."""
    found = [split for split in facts.values() if isinstance(split, DataFacts)]
    counts: Counter[str] = Counter()
    for split in found:
        counts.update(split.left_out)
    if counts:
        things = and_of(counted(number, thing) for thing, number in counts.items())
        yield RecipeProblem(place, f"not used: {things}", warning=True)
    for warning in dict.fromkeys(chain.from_iterable(split.warnings for split in found)):
        yield RecipeProblem(place, warning, warning=True)
