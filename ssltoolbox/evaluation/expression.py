"""The task `expression`: which of the eight expressions does a face show?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from ssltoolbox.api import EXPRESSIONS, Features, Split, UserError
from ssltoolbox.evaluation.metrics import accuracy, macro_f1
from ssltoolbox.evaluation.options import ExpressionOptions
from ssltoolbox.evaluation.probes import REGULARISERS, logistic, vote
from ssltoolbox.evaluation.samples import Samples, labelled
from ssltoolbox.evaluation.selection import by_protocol, choose_on_val

CLASSES = range(len(EXPRESSIONS))


class Expression:
    """Macro-F1 and accuracy of the expression, by a probe on frozen features."""

    def __init__(self, options: ExpressionOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        """`{"expression": …}` with these keys, shares in 0 to 1:

        - `f1` (macro, over the classes that the test split shows), `accuracy`
        - `chance`: what a guess among those classes gets right; `majority`: what the training split's most
          frequent class gets right as the answer to everything
        - `per_class`: by name `precision`, `recall`, `f1`, `frames` of the test split
        - `confusion`: frames of the test split [true][predicted], in the order of `EXPRESSIONS`
        - `protocol`, `regulariser` or `k` as chosen, `knn`: the neighbours' numbers beside a linear probe
        - `frames`: labelled frames of each split; `absent`: classes that a split lacks

        Raises:
            UserError: for features or labels that no number can be had from.
        """
        samples = labelled(features, "expression", "expression")
        _check_classes(samples)
        train, test = samples["train"].targets, samples["test"].targets
        result = by_protocol(
            self.options.protocol,
            lambda: choose_on_val(
                partial(logistic, balanced=self.options.balanced), samples, REGULARISERS, macro_f1
            ),
            lambda: choose_on_val(vote, samples, self.options.k, macro_f1),
            partial(_measure, test),
        )
        majority = np.full_like(test, np.bincount(train).argmax())
        result["chance"] = 1 / len(np.unique(test))
        result["majority"] = accuracy(test, majority)
        result["frames"] = {split: len(found) for split, found in samples.items()}
        result["absent"] = {split: _absent(found) for split, found in samples.items()}
        return {"expression": result}


def _check_classes(samples: Mapping[Split, Samples]) -> None:
    for split, found in samples.items():
        strange = found.targets[~np.isin(found.targets, CLASSES)]
        if len(strange):
            raise UserError(
                f"expression: the {split} split has a label {strange[0]}",
                f"the classes are 0 to {CLASSES[-1]} ({', '.join(EXPRESSIONS)}), and -1 for none",
            )
    present = np.unique(samples["train"].targets)
    if len(present) == 1:
        raise UserError(
            f"expression: all labelled frames of the train split are '{EXPRESSIONS[present[0]]}'; "
            "there is nothing to tell apart"
        )


def _absent(samples: Samples) -> list[str]:
    return [name for number, name in enumerate(EXPRESSIONS) if number not in samples.targets]


def _measure(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    scores = precision_recall_fscore_support(truth, predicted, labels=CLASSES, zero_division=0)
    return {
        "f1": macro_f1(truth, predicted),
        "accuracy": accuracy(truth, predicted),
        "per_class": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "frames": int(n)}
            for name, p, r, f, n in zip(EXPRESSIONS, *scores, strict=True)
        },
        "confusion": confusion_matrix(truth, predicted, labels=CLASSES).tolist(),
    }
