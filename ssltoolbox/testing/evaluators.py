"""Rules for downstream tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Set
from typing import Any

import numpy as np
import torch

from ssltoolbox.api import NetworkEvaluator, UserError
from ssltoolbox.testing.compare import changed_field, copy_of, same, seed_globally
from ssltoolbox.testing.labels import NAME_DATA, needed_labels
from ssltoolbox.testing.rules import Breach, Complaint, Subject, WrongInput, rule
from ssltoolbox.testing.task_data import TrialData

SHARES = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "auc", "map", "chance")
"""Metrics between 0 and 1."""
CORRELATIONS = ("ccc", "pcc", "pearson", "spearman", "kappa", "mcc")
"""Metrics between -1 and 1."""


@rule("results are plain numbers by name")
def results(subject: Subject) -> None:
    found = _evaluate(subject)
    try:
        json.dumps(_written(found), allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise Breach(
            f"the results of `{_called(subject)}` can't be written to evaluation.json ({error}): use "
            "numbers, or arrays of numbers, and leave out NaN"
        ) from error
    if not found or not all(isinstance(value, dict) and value for value in found.values()):
        raise Breach(
            f"`{_called(subject)}` must return a mapping such as {{'expression': {{'f1': 0.5}}}}, but it "
            f"returned {found!r:.80}"
        )


@rule("metrics are fractions, not percentages")
def fractions(subject: Subject) -> Iterator[Complaint]:
    for key, measures in _evaluate(subject).items():
        for name, value in measures.items():
            least = 0 if name in SHARES else -1
            if name in (*SHARES, *CORRELATIONS) and not least <= value <= 1:
                yield Complaint(
                    f"{key} {name}",
                    f"`{_called(subject)}` returned {key} {name} {value:g}: it must be between {least} and 1",
                )


@rule("features are not changed")
def input_unchanged(subject: Subject) -> Iterator[Complaint]:
    task = subject.make()
    if _needs_network(task):
        return
    given = TrialData(subject).features()
    before = {split: copy_of(one) for split, one in given.items()}
    task.evaluate(given)
    for split, one in given.items():
        if changed := changed_field(before[split], one):
            yield Complaint(
                f"{split} {changed}",
                f"`{subject.name}.evaluate` changed `features[{split!r}].{changed}`: work on a copy",
            )


@rule("the same features give the same results")
def reproducible(subject: Subject) -> None:
    seed_globally(1)
    once = _evaluate(subject)
    seed_globally(2)
    if not same(once, _evaluate(subject)):
        raise Breach(
            f"`{_called(subject)}` returned other numbers for the same features: use a random generator "
            "with a fixed seed, such as `np.random.default_rng(0)`"
        )


@rule("missing labels are named")
def missing_labels(subject: Subject) -> Iterator[Complaint]:
    whatever = [frozenset(TrialData(subject).features()["train"].labels)] if "labels" in subject.needs else []
    for lacking in (*whatever, *({name} for name in needed_labels(subject))):
        what = f"the label {next(iter(lacking))!r}" if len(lacking) == 1 else "labels"
        advice = "raise `UserError` with the label's name where the data lacks it"
        try:
            _evaluate(subject, lacking)
        except UserError:
            continue
        except Exception as error:
            yield Complaint(
                what,
                f"`{_called(subject)}` raised {type(error).__name__} for data without {what}: {advice}",
            )
        else:
            yield Complaint(
                what, f"`{_called(subject)}` returned results without {what}, which it needs: {advice}"
            )


def _written(found: Any) -> Any:
    """Results without their resamples, which are not written."""
    return {
        key: {name: value for name, value in measures.items() if name != "resamples"}
        for key, measures in found.items()
    }


def _plain(value: Any) -> Any:
    """Numbers and arrays of numpy and torch as plain Python values, as the engine writes them."""
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return value.tolist()
    raise TypeError(f"Object of type {type(value).__name__} is not a number")


def _called(subject: Subject) -> str:
    return f"{subject.name}.{'evaluate_network' if _needs_network(subject.make()) else 'evaluate'}"


def _needs_network(task: Any) -> bool:
    return isinstance(task, NetworkEvaluator) and task.needs_network


def _evaluate(subject: Subject, lacking: Set[str] = frozenset()) -> Any:
    """The results of a task, on data without the labels in `lacking` if there are any.

    Raises:
        WrongInput: where the task rejects data that has everything the task needs.
    """
    task, data = subject.make(), TrialData(subject, lacking)
    try:
        found = (
            task.evaluate_network(data.context()) if _needs_network(task) else task.evaluate(data.features())
        )
    except UserError as error:
        if lacking:
            raise
        raise WrongInput(f"it rejects the test data: {error.message}", error.hint or NAME_DATA) from error
    return {key: dict(measures) for key, measures in found.items()}


RULES = (results, fractions, input_unchanged, reproducible, missing_labels)
