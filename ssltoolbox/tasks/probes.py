"""Probes: simple models on frozen features, for several settings at once.

A probe takes training samples, the features [queries, D] to predict for, and the settings to try; it gives
the predictions [queries] of each setting. What is true of the queries it never sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from ssltoolbox.tasks.samples import Samples

REGULARISERS = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001)
"""Weights of the squared norm beside the mean loss, on standardised features; strongest first."""

TEMPERATURE = 0.07
"""Of the neighbours' weights, exp(cosine / temperature), after Wu et al. 2018, "Unsupervised Feature Learning
via Non-Parametric Instance Discrimination"."""


def logistic(
    train: Samples, queries: np.ndarray, regularisers: Sequence[float], *, balanced: bool = True
) -> dict[float, np.ndarray]:
    """Classes by multinomial logistic regression; `train` has at least two.

    `balanced` gives every class the same weight, however rare it is.
    """
    scaler = StandardScaler().fit(train.values)
    values, queries = scaler.transform(train.values), scaler.transform(queries)
    model = LogisticRegression(
        class_weight="balanced" if balanced else None,
        max_iter=2000,
        warm_start=True,  # from strong to weak, each fit is a short way from the one before it
    )
    predictions = {}
    for regulariser in regularisers:
        model.set_params(C=1 / (regulariser * len(train)))
        predictions[regulariser] = model.fit(values, train.targets).predict(queries)
    return predictions


def ridge(train: Samples, queries: np.ndarray, regularisers: Sequence[float]) -> dict[float, np.ndarray]:
    """Numbers by ridge regression."""
    scaler = StandardScaler().fit(train.values)
    values, queries = scaler.transform(train.values), scaler.transform(queries)

    def predict(regulariser: float) -> Any:
        return Ridge(alpha=regulariser * len(train)).fit(values, train.targets).predict(queries)

    return {regulariser: predict(regulariser) for regulariser in regularisers}


def vote(train: Samples, queries: np.ndarray, ks: Sequence[int]) -> dict[int, np.ndarray]:
    """Classes by a weighted vote of the k nearest training frames; of all of them where k is more."""
    classes, targets = np.unique(train.targets, return_inverse=True)
    weights, nearest = _neighbours(train.values, queries, max(ks))
    size = (len(queries), len(classes))
    ballots = np.arange(len(queries))[:, None] * len(classes) + targets[nearest]

    def predict(k: int) -> np.ndarray:
        counted = np.bincount(ballots[:, :k].ravel(), weights[:, :k].ravel(), minlength=size[0] * size[1])
        winners: np.ndarray = classes[counted.reshape(size).argmax(axis=1)]
        return winners

    return {k: predict(k) for k in ks}


def average(train: Samples, queries: np.ndarray, ks: Sequence[int]) -> dict[int, np.ndarray]:
    """Numbers, [n] or [n, C], by the weighted mean of the k nearest training frames; of all where k is more."""
    weights, nearest = _neighbours(train.values, queries, max(ks))
    targets = train.targets[nearest]
    weights = np.broadcast_to(weights.reshape(*weights.shape, *[1] * (targets.ndim - 2)), targets.shape)
    return {k: np.average(targets[:, :k], axis=1, weights=weights[:, :k]) for k in ks}


def _neighbours(values: np.ndarray, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights and indices [queries, k] of the nearest values by cosine, nearest first; in bounded memory."""
    search = NearestNeighbors(n_neighbors=min(k, len(values)), metric="cosine", algorithm="brute")
    distances, nearest = search.fit(values).kneighbors(queries)
    return np.exp(-distances / TEMPERATURE), nearest
