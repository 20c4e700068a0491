"""The task `verification`: do two images show one person?

The protocol of LFW's pairs.txt (Huang et al., Labeled Faces in the Wild, 2007): for each of ten folds of people, a
threshold on the cosine of two features is chosen on the other nine.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve
from sklearn.preprocessing import normalize

from ssltoolbox.api import EvaluationContext, PairedDataset, Pairs, UserError
from ssltoolbox.tasks.intervals import LEVEL
from ssltoolbox.tasks.options import VerificationOptions
from ssltoolbox.tasks.samples import usable

POINTS = 101
"""Points of the reported ROC curve, evenly spread over the false accepts."""


class Verification:
    """Accuracy and area under the ROC curve over the pairs of the test split; for their meaning see `identity`."""

    needs_network = True

    def __init__(self, options: VerificationOptions) -> None:
        self.options = options

    def evaluate_network(self, context: EvaluationContext) -> dict[str, dict[str, Any]]:
        """`{"verification": …}` with these keys, shares in 0 to 1:

        - `accuracy`: the mean over the folds; `accuracy_ci`: its interval [low, high], by Student's t over them
        - `auc`: how often a pair of one person is more similar than a pair of two
        - `roc`: `false_accepts` and `true_accepts`, [101] each
        - `chance`, `protocol`; `folds`, `pairs`; `left_out`: pairs with an unreadable image

        Raises:
            UserError: for data without pairs, features that are no numbers, and folds that no threshold can be
                chosen on.
        """
        dataset = context.datasets["test"]
        if not isinstance(dataset, PairedDataset):
            raise UserError("verification: the test split has no pairs", "the dataset 'lfw' has some")
        pairs = dataset.pairs()
        wanted = np.unique(np.concatenate([pairs.first, pairs.second]))
        found = context.features(dataset, wanted, np.zeros_like(wanted))
        usable({"test": found}, "test", "verification")
        position = np.full(wanted.max() + 1, -1)
        position[found.clip] = np.arange(len(found))
        first, second = position[pairs.first], position[pairs.second]
        whole = (first >= 0) & (second >= 0)
        unit = normalize(found.values.astype(np.float64))
        likeness = (unit[first[whole]] * unit[second[whole]]).sum(axis=1)
        kept = Pairs(pairs.first[whole], pairs.second[whole], pairs.same[whole], pairs.fold[whole])
        return {"verification": {**_measure(likeness, kept), "left_out": int((~whole).sum())}}


def _measure(likeness: np.ndarray, pairs: Pairs) -> dict[str, Any]:
    folds = np.unique(pairs.fold)
    if len(folds) < 2:
        raise UserError("verification: a threshold is chosen on the other folds, and there is only one fold")
    if pairs.same.all() or not pairs.same.any():
        raise UserError(
            "verification: all pairs show the same person, or none does; there is nothing to tell apart"
        )
    accuracies = [_accuracy(likeness, pairs, fold) for fold in folds]
    false_accepts, true_accepts, _ = roc_curve(pairs.same, likeness)
    grid = np.linspace(0, 1, POINTS)
    return {
        "accuracy": float(np.mean(accuracies)),
        "accuracy_ci": _interval(accuracies),
        "auc": float(roc_auc_score(pairs.same, likeness)),
        "roc": {
            "false_accepts": grid.tolist(),
            "true_accepts": np.interp(grid, false_accepts, true_accepts).tolist(),
        },
        "chance": float(max(pairs.same.mean(), 1 - pairs.same.mean())),
        "protocol": f"{len(folds)} folds",
        "folds": len(folds),
        "pairs": len(pairs),
    }


def _accuracy(likeness: np.ndarray, pairs: Pairs, fold: int) -> float:
    """On a fold, with the threshold that is best on the others."""
    here = pairs.fold == fold
    threshold = best_threshold(likeness[~here], pairs.same[~here])
    return float(((likeness[here] > threshold) == pairs.same[here]).mean())


def best_threshold(likeness: np.ndarray, same: np.ndarray) -> float:
    """Where `likeness > threshold` is most often `same`, between two values; the lowest of equals."""
    order = np.argsort(likeness, kind="stable")
    values, truth = likeness[order], same[order]
    # A threshold after the first i: they are taken for two people, the others for one.
    right = np.concatenate([[0], np.cumsum(~truth)]) + truth.sum() - np.concatenate([[0], np.cumsum(truth)])
    edges = np.concatenate([[-np.inf], (values[:-1] + values[1:]) / 2, [np.inf]])
    between = np.concatenate([[True], values[:-1] < values[1:], [True]])
    return float(edges[np.where(between, right, -1).argmax()])


def _interval(accuracies: list[float]) -> list[float]:
    """[low, high] of the mean over the folds, by Student's t."""
    if np.ptp(accuracies) == 0:
        return [accuracies[0]] * 2
    interval = stats.ttest_1samp(accuracies, 0).confidence_interval(LEVEL)
    return [float(interval.low), float(interval.high)]
