"""Metrics of tasks: [n] truth and [n] predictions → a float.

scikit-learn is imported when a metric is computed: a run begins sooner.
"""

from __future__ import annotations

import numpy as np


def accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The share of predictions that are right."""
    from sklearn.metrics import accuracy_score

    return float(accuracy_score(truth, predicted))


def macro_f1(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The mean F1 of the classes that occur in the truth."""
    from sklearn.metrics import f1_score

    return float(f1_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))


def balanced_accuracy(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The mean recall of the classes that occur in the truth (unweighted average recall)."""
    from sklearn.metrics import recall_score

    return float(recall_score(truth, predicted, labels=np.unique(truth), average="macro", zero_division=0))


def rmse(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The root of the mean squared error."""
    from sklearn.metrics import root_mean_squared_error

    return float(root_mean_squared_error(truth, predicted))


def ccc(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The concordance correlation coefficient (Lin 1989), `2 cov / (var + var + (mean - mean)²)`, in -1 to 1.

    It is 0 for a constant, where the formula may give 0/0.
    """
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return 0.0
    pair = np.stack([truth, predicted]).astype(np.float64)
    (of_truth, shared), (_, of_predicted) = np.cov(pair)
    return float(2 * shared / (of_truth + of_predicted + np.subtract(*pair.mean(axis=1)) ** 2))
