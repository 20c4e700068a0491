"""95% intervals by bootstrap over people.

Frames of one person are similar, so people are resampled with replacement. The interval has the middle 95% of the
resampled metric (the percentile method of Efron and Tibshirani, An Introduction to the Bootstrap, 1993, chapter
13). A metric is computed from sums over the frames of each person, so a thousand resamples are one matrix
product. The probe is not trained again: the interval says how much the metric depends on the people in the test
split.

The resamples depend only on the number of people. So two networks that are evaluated on the same people have the
same resamples, and their difference has an interval too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

ROUNDS = 1000
"""The number of resamples; each has as many people as the data."""

LEVEL = 0.95

Statistic = Callable[[np.ndarray], np.ndarray]
"""[rounds, F] sums over the frames of the resampled people → [rounds] the metric."""


def classification_intervals(
    truth: np.ndarray, predicted: np.ndarray, identity: np.ndarray
) -> dict[str, Any]:
    """`f1_ci` and `accuracy_ci`, each [low, high], and `resamples` of both; nothing for a single person.

    Args:
        truth, predicted: [n] classes.
        identity: [n] who is shown.
    """
    return _of_confusion(truth, predicted, identity, {"f1": _macro_f1, "accuracy": _accuracy})


def recall_intervals(truth: np.ndarray, predicted: np.ndarray, identity: np.ndarray) -> dict[str, Any]:
    """`uar_ci` and `war_ci`, each [low, high], and `resamples` of both; nothing for a single person.

    Args:
        truth, predicted: [n] classes.
        identity: [n] who is shown.
    """
    return _of_confusion(truth, predicted, identity, {"uar": _mean_recall, "war": _accuracy})


def columns_interval(counts: np.ndarray, identity: np.ndarray) -> dict[str, Any]:
    """`f1_ci`, [low, high], of the mean F1 of columns, and `resamples` of it; nothing for a single person.

    Args:
        counts: [n, 3C] of 0 and 1: rightly yes, wrongly yes, wrongly no, in each of C columns.
        identity: [n] who is shown.
    """
    return _intervals(counts, identity, {"f1": _mean_f1})


def _of_confusion(
    truth: np.ndarray, predicted: np.ndarray, identity: np.ndarray, statistics: Mapping[str, Statistic]
) -> dict[str, Any]:
    """The intervals of metrics of confusion matrices [rounds, true, predicted]."""
    classes = np.unique(np.concatenate([truth, predicted]))
    count = len(classes)
    cell = np.searchsorted(classes, truth) * count + np.searchsorted(classes, predicted)

    def of_matrices(statistic: Statistic) -> Statistic:
        return lambda sums: statistic(sums.reshape(-1, count, count))

    of_sums = {name: of_matrices(statistic) for name, statistic in statistics.items()}
    return _intervals(np.eye(count * count)[cell], identity, of_sums)


def accuracy_interval(right: np.ndarray, identity: np.ndarray) -> dict[str, Any]:
    """`accuracy_ci`, [low, high], and `resamples` of it; nothing for a single person.

    Args:
        right: [n] bool.
        identity: [n] who is shown.
    """
    terms = np.stack([np.ones(len(right)), right], axis=1)
    return _intervals(terms, identity, {"accuracy": lambda sums: sums[:, 1] / sums[:, 0]})


def regression_intervals(truth: np.ndarray, predicted: np.ndarray, identity: np.ndarray) -> dict[str, Any]:
    """`ccc_ci` and `rmse_ci`, each [low, high], and `resamples` of both; nothing for a single person.

    Args:
        truth, predicted: [n] numbers.
        identity: [n] who is shown.
    """
    terms = np.stack(
        [np.ones(len(truth)), truth, predicted, truth**2, predicted**2, truth * predicted], axis=1
    )
    return _intervals(terms, identity, {"ccc": _ccc, "rmse": _rmse})


def _intervals(
    terms: np.ndarray, identity: np.ndarray, statistics: Mapping[str, Statistic]
) -> dict[str, Any]:
    """The interval and the resamples of each metric that the sums of `terms` [n, F] give."""
    people, number = np.unique(identity, return_inverse=True)
    if len(people) < 2:
        return {}
    sums = np.zeros((len(people), terms.shape[1]))
    np.add.at(sums, number, terms)
    drawn = np.random.default_rng(0).multinomial(len(people), np.full(len(people), 1 / len(people)), ROUNDS)
    totals = drawn @ sums
    resamples = {name: statistic(totals) for name, statistic in statistics.items()}
    tail = (1 - LEVEL) / 2
    return {
        **{f"{name}_ci": np.quantile(found, [tail, 1 - tail]).tolist() for name, found in resamples.items()},
        "resamples": {name: found.tolist() for name, found in resamples.items()},
    }


def _accuracy(confusion: np.ndarray) -> np.ndarray:
    """[rounds] of confusion matrices [rounds, true, predicted]."""
    right: np.ndarray = np.trace(confusion, axis1=1, axis2=2) / confusion.sum(axis=(1, 2))
    return right


def _macro_f1(confusion: np.ndarray) -> np.ndarray:
    """[rounds] the mean F1 of the classes that occur in the truth, of matrices [rounds, true, predicted]."""
    right = np.diagonal(confusion, axis1=1, axis2=2)
    true, predicted = confusion.sum(axis=2), confusion.sum(axis=1)
    occurs = true > 0
    f1 = 2 * right / np.maximum(true + predicted, 1)
    mean: np.ndarray = (f1 * occurs).sum(axis=1) / occurs.sum(axis=1)
    return mean


def _mean_recall(confusion: np.ndarray) -> np.ndarray:
    """[rounds] the mean recall of the classes that occur in the truth, of matrices [rounds, true, predicted]."""
    true = confusion.sum(axis=2)
    recall = np.diagonal(confusion, axis1=1, axis2=2) / np.maximum(true, 1)
    mean: np.ndarray = recall.sum(axis=1) / (true > 0).sum(axis=1)
    return mean


def _mean_f1(sums: np.ndarray) -> np.ndarray:
    """[rounds] the mean F1 of the columns that have a yes, of sums [rounds, 3C]; 0 where none has."""
    right, wrong, missed = np.split(sums, 3, axis=1)
    occurs = right + missed > 0
    f1 = 2 * right / np.maximum(2 * right + wrong + missed, 1)
    mean: np.ndarray = (f1 * occurs).sum(axis=1) / np.maximum(occurs.sum(axis=1), 1)
    return mean


def _rmse(sums: np.ndarray) -> np.ndarray:
    count, _, _, truth_2, predicted_2, product = sums.T
    root: np.ndarray = np.sqrt(np.maximum(truth_2 + predicted_2 - 2 * product, 0) / count)
    return root


def _ccc(sums: np.ndarray) -> np.ndarray:
    """The formula of `metrics.ccc`, from sums; 0 for 0/0."""
    count, truth, predicted, truth_2, predicted_2, product = sums.T
    freedom = np.maximum(count - 1, 1)
    covariance = (product - truth * predicted / count) / freedom
    spread = (truth_2 - truth**2 / count + predicted_2 - predicted**2 / count) / freedom
    distance = spread + ((truth - predicted) / count) ** 2
    return np.divide(2 * covariance, distance, out=np.zeros(len(count)), where=distance > 1e-12)
