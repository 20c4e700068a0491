"""The task `multi_label`: which of several things does a face show, such as action units?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from sklearn.metrics import precision_recall_fscore_support

from ssltoolbox.api import Features, Split, TaskResults, UserError
from ssltoolbox.tasks.fitted import fit_columns
from ssltoolbox.tasks.intervals import columns_interval
from ssltoolbox.tasks.options import MultiLabelOptions
from ssltoolbox.tasks.probes import REGULARISERS, average
from ssltoolbox.tasks.samples import Samples, labelled, unlabelled
from ssltoolbox.tasks.selection import by_protocol, choose_on_val, fit_and_choose


class MultiLabel:
    """F1 of each column of a label of yes and no, and their mean, by probes on frozen features."""

    def __init__(self, options: MultiLabelOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> TaskResults:
        """The result is under the label's name, shares in 0 to 1:

        - `f1`: the mean over the columns of which the test split has a yes; `f1_ci`: its interval [low, high]
          over people, where there are several, and `resamples`
        - `per_column`: by name `precision`, `recall`, `f1`, `yes` and `frames` of the test split
        - `chance`: the mean F1 of a prediction that is always yes
        - `protocol`; `regulariser` or `k` as chosen, and `val`, the score on the val split by which it was; `knn`:
          those of the neighbours, with a linear probe
        - `frames`: labelled frames of each split; `unlabelled`: how many more have no such label

        A frame of which some columns are unknown counts for the others. With the head of linear probes.

        Raises:
            UserError: for features or labels from which no metric can be computed.
        """
        label = self.options.label
        samples = labelled(features, label, "multi_label")
        for split, found in samples.items():
            if found.targets.ndim != 2 or found.targets.dtype.kind == "f":
                raise UserError(f"multi_label: {label!r} has no columns of yes and no in the {split} split")
        test = samples["test"]
        count = test.targets.shape[1]
        names = features["train"].classes.get(label) or tuple(map(str, range(count)))
        if not (test.targets == 1).any():
            raise UserError(f"multi_label: no frame of the test split has a yes in {label!r}")
        metrics, probe = by_protocol(
            self.options.protocol,
            lambda: fit_and_choose(
                partial(fit_columns, balanced=self.options.balanced), samples, REGULARISERS, mean_f1
            ),
            lambda: choose_on_val(_neighbours, samples, self.options.k, mean_f1),
            partial(_measure, test.targets, test.identity, names),
        )
        facts = {
            "chance": mean_f1(test.targets, np.ones_like(test.targets)),
            "frames": {split: len(found) for split, found in samples.items()},
        }
        missing = unlabelled({split: len(features[split]) - len(found) for split, found in samples.items()})
        head = probe.model.head(label, names) if probe.model else None
        return TaskResults({label: metrics | facts | missing}, head)


def mean_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The mean F1 of the columns [n, C] that have a yes; of each the frames that are known."""
    counts = confusions(truth, predicted).sum(axis=0)
    right, wrong, missed = counts.reshape(3, -1)
    occurs = right + missed > 0
    f1 = 2 * right / np.maximum(2 * right + wrong + missed, 1)
    return float(f1[occurs].mean()) if occurs.any() else 0.0


def confusions(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """[n, 3C] of 0 and 1: rightly yes, wrongly yes, wrongly no, in each of C columns."""
    yes = predicted == 1
    return np.concatenate([(truth == 1) & yes, (truth == 0) & yes, (truth == 1) & ~yes], axis=1).astype(float)


def _neighbours(train: Samples, queries: np.ndarray, ks: Sequence[int]) -> dict[int, np.ndarray]:
    """[queries, C] by the majority of the nearest training frames; frames that are not labelled count as no."""
    shares = average(Samples(train.values, (train.targets == 1).astype(float), train.identity), queries, ks)
    return {k: (share >= 0.5).astype(np.int64) for k, share in shares.items()}


def _measure(
    truth: np.ndarray, identity: np.ndarray, names: Sequence[str], predicted: np.ndarray
) -> dict[str, Any]:
    return {
        "f1": mean_f1(truth, predicted),
        **columns_interval(confusions(truth, predicted), identity),
        "per_column": {
            name: _column(truth[:, column], predicted[:, column]) for column, name in enumerate(names)
        },
    }


def _column(truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    known = truth >= 0
    precision, recall, f1, _ = (
        precision_recall_fscore_support(
            truth[known] == 1, predicted[known] == 1, average="binary", zero_division=0
        )
        if known.any()
        else (0.0, 0.0, 0.0, None)
    )
    return {
        "precision": float(precision),
        "recall": float(recall),
        "f1": float(f1),
        "yes": int((truth == 1).sum()),
        "frames": int(known.sum()),
    }
