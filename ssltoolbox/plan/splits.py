"""Checks the splits that downstream tasks need, before training."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

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
from ssltoolbox.api.errors import counted_list
from ssltoolbox.api.options import facts_of
from ssltoolbox.plan.needs import lacking
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import LoadedRecipe, RecipeProblem

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
    known: dict[int, SplitFacts] = {}
    for task in chosen.get(Kind.EVALUATORS, ()):
        source = task.own_data.chosen if task.own_data else data
        if source is None or not isinstance(task.options, EvaluatorOptions):
            continue
        facts = known.get(id(source.options)) or _all_facts(source)
        known[id(source.options)] = facts
        train = facts["train"]
        # Data that is none for the task at all is reported elsewhere.
        if not isinstance(train, UserError) and not (train and lacking(task.needs, train)):
            yield from _task_checks(task, facts, loaded, data_needed)
    if data is not None:
        yield from _left_out(known.get(id(data.options)) or {"train": _facts(data, "train")}, loaded)


def _all_facts(data: Chosen) -> SplitFacts:
    return {split: _facts(data, split) for split in ("train", "val", "test")}


def _facts(data: Chosen, split: Split) -> DataFacts | UserError | None:
    assert isinstance(data.options, DatasetOptions)
    try:
        with data.provided.blamed_for("facts()"):
            return facts_of(data.options, split)
    except UserError as error:
        return error


def _task_checks(
    task: Chosen, facts: SplitFacts, loaded: LoadedRecipe, data_needed: bool
) -> Iterator[RecipeProblem]:
    assert isinstance(task.options, EvaluatorOptions)
    known: dict[Split, DataFacts] = {}
    problems = []
    for split in task.options.splits:
        found = facts[split]
        if isinstance(found, UserError):
            warning = isinstance(found, DataNotFound) and not data_needed
            message = f"it needs the {split} split of the data: {found.message}"
            problems.append(Problem("", message, found.hint, warning))
        elif found and not found.clips:
            hint = "choose the data's options so that it has some"
            problems.append(
                Problem("", f"it needs the {split} split of the data, and no clip is in it", hint)
            )
        elif found:
            known[split] = found
    with task.provided.blamed_for("split_problems()"):
        problems += task.options.split_problems(known)
    for problem in problems:
        index = () if task.index is None else (task.index,)
        option = (problem.option,) if problem.option else ()
        place = loaded.node(Kind.EVALUATORS.section, *index, *option).best_place
        yield RecipeProblem(place, f"{task.title}: {problem.message}", problem.hint, problem.warning)


def _left_out(facts: SplitFacts, loaded: LoadedRecipe) -> Iterator[RecipeProblem]:
    counts: Counter[str] = Counter()
    for found in facts.values():
        counts.update(found.left_out if isinstance(found, DataFacts) else {})
    if counts:
        place = loaded.node(Kind.DATASETS.section).best_place
        yield RecipeProblem(place, f"not used: {counted_list(counts)}", warning=True)
