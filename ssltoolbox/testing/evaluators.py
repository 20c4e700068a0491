"""Rules for downstream tasks."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from ssltoolbox.api import Features, NetworkEvaluator, Split, UserError
from ssltoolbox.testing.evaluation_context import evaluation_context
from ssltoolbox.testing.material import features
from ssltoolbox.testing.rules import Breach, Subject, changed_field, copy_of, rule, seed_globally

SHARES = ("accuracy", "balanced_accuracy", "f1", "precision", "recall", "auc", "map", "chance")
"""Measures between 0 and 1."""
CORRELATIONS = ("ccc", "pcc", "pearson", "spearman", "kappa", "mcc")
"""Measures between -1 and 1."""


@rule("results are plain numbers by name")
def results(subject: Subject) -> None:
    found = _evaluate(subject, features())
    try:
        json.dumps(found, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise Breach(
            f"what `{subject.name}.evaluate` gives can't be written to evaluation.json ({error}): use Python's "
            "own numbers, `float(…)`, and leave out what is NaN"
        ) from error
    if not found or not all(isinstance(value, dict) and value for value in found.values()):
        raise Breach(
            f"`{subject.name}.evaluate` must give a mapping such as {{'expression': {{'f1': 0.5}}}}, it gave "
            f"{found!r:.80}"
        )


@rule("fractions, not percent")
def fractions(subject: Subject) -> None:
    for key, measures in _evaluate(subject, features()).items():
        for name, value in measures.items():
            least = 0 if name in SHARES else -1
            if name in (*SHARES, *CORRELATIONS) and not least <= value <= 1:
                raise Breach(
                    f"`{subject.name}.evaluate` gave {key} {name} {value:g}: it must lie between {least} and 1"
                )


@rule("features are left as they are")
def input_unchanged(subject: Subject) -> None:
    given = features()
    before = {split: copy_of(part) for split, part in given.items()}
    _evaluate(subject, given)
    for split, part in given.items():
        if changed := changed_field(before[split], part):
            raise Breach(f"`{subject.name}.evaluate` changed `features[{split!r}].{changed}`: work on a copy")


@rule("the same features, the same results")
def reproducible(subject: Subject) -> None:
    seed_globally(1)
    once = _evaluate(subject, features())
    seed_globally(2)
    if once != _evaluate(subject, features()):
        raise Breach(
            f"`{subject.name}.evaluate` gave other numbers for the same features: give what draws a seed of "
            "its own, such as `np.random.default_rng(0)`"
        )


@rule("labels that are missing are named")
def missing_labels(subject: Subject) -> None:
    if "labels" not in subject.card.needs:
        return
    advice = "raise `UserError` with the label's name where the features lack it"
    try:
        _evaluate(subject, _unlabelled(features()), labelled=False)
    except UserError:
        return
    except Exception as error:
        raise Breach(
            f"`{subject.name}.evaluate` raised {type(error).__name__} for data without labels: {advice}"
        ) from error
    raise Breach(f"`{subject.name}.evaluate` gave results without labels, which it needs: {advice}")


def _unlabelled(given: dict[Split, Features]) -> dict[Split, Features]:
    return {split: replace(part, labels={}) for split, part in given.items()}


def _evaluate(subject: Subject, given: dict[Split, Features], labelled: bool = True) -> Any:
    """Results from these features; a task that needs the network gets one, and images `labelled` or not."""
    task = subject.make()
    if isinstance(task, NetworkEvaluator) and task.needs_network:
        found = task.evaluate_network(evaluation_context(labelled))
    else:
        found = task.evaluate(given)
    return {key: dict(measures) for key, measures in found.items()}


RULES = (results, fractions, input_unchanged, reproducible, missing_labels)
