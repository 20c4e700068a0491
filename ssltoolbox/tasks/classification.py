"""The task `classification`: which class of any label does an image show?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import confusion_matrix

from ssltoolbox.api import Features, Split, UserError
from ssltoolbox.tasks.intervals import classification_intervals
from ssltoolbox.tasks.metrics import accuracy, macro_f1
from ssltoolbox.tasks.options import ClassificationOptions
from ssltoolbox.tasks.probes import REGULARISERS, logistic, vote
from ssltoolbox.tasks.samples import labelled
from ssltoolbox.tasks.selection import by_protocol, choose_on_val


class Classification:
    """Macro-F1 and accuracy of a label's classes, by a probe on frozen features."""

    def __init__(self, options: ClassificationOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        """The result is under the label's name, shares in 0 to 1:

        - `f1` (macro, over the classes that the test split shows), `accuracy`, and their intervals
        - `chance`: what a guess among those classes gets right
        - `confusion`: images of the test split [true][predicted], in the order of `classes`, their numbers
        - `protocol`, `regulariser` or `k` as chosen, `knn`: the neighbours' numbers beside a linear probe
        - `frames`: labelled images of each split that were used

        Raises:
            UserError: for features or labels that no number can be had from.
        """
        label = self.options.label
        samples = labelled(features, label, "classification")
        for split, found in samples.items():
            if found.targets.dtype.kind == "f":
                raise UserError(f"classification: {label!r} has numbers in the {split} split, and no classes")
        if len(np.unique(samples["train"].targets)) == 1:
            raise UserError(
                f"classification: the train split has one class of {label!r}: nothing to tell apart"
            )
        test = samples["test"]
        classes = np.unique(np.concatenate([found.targets for found in samples.values()]))
        result = by_protocol(
            self.options.protocol,
            lambda: choose_on_val(
                partial(logistic, balanced=self.options.balanced), samples, REGULARISERS, macro_f1
            ),
            lambda: choose_on_val(vote, samples, self.options.k, macro_f1),
            partial(_measure, test.targets, test.identity, classes),
        )
        facts = {
            "classes": classes.tolist(),
            "chance": 1 / len(np.unique(test.targets)),
            "frames": {split: len(found) for split, found in samples.items()},
        }
        return {label: result | facts}


def _measure(
    truth: np.ndarray, identity: np.ndarray, classes: np.ndarray, predicted: np.ndarray
) -> dict[str, Any]:
    return {
        "f1": macro_f1(truth, predicted),
        "accuracy": accuracy(truth, predicted),
        **classification_intervals(truth, predicted, identity),
        "confusion": confusion_matrix(truth, predicted, labels=classes).tolist(),
    }
