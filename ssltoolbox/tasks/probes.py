"""Probes: simple models on frozen features, for several settings at once.

A probe takes training samples, the features [queries, D] to predict for, and the settings to try. It gives the
predictions [queries] of each setting. It never sees the truth of the queries.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.tasks.fitted import fit_classes, fit_numbers
from ssltoolbox.tasks.samples import Samples

REGULARISERS = (100.0, 10.0, 1.0, 0.1, 0.01, 0.001)
"""Weights of the squared norm relative to the mean loss, on standardised features; strongest first."""

ROWS = 1024
"""Rows of features that are scaled at a time."""

SIMILARITIES, FEWEST_ROWS = 2**22, 64
"""About as many similarities are in memory at a time, those of at least so many queries."""

TEMPERATURE = 0.07
"""The temperature of the neighbours' weights, exp(cosine / temperature), from Wu et al. 2018, "Unsupervised
Feature Learning via Non-Parametric Instance Discrimination"."""


def logistic(
    train: Samples, queries: np.ndarray, regularisers: Sequence[float], *, balanced: bool = True
) -> dict[float, np.ndarray]:
    """Classes by multinomial logistic regression; `train` has at least two.

    `balanced` gives every class the same weight, however rare it is.
    """
    models = fit_classes(train, regularisers, balanced=balanced)
    return {regulariser: model(queries) for regulariser, model in models.items()}


def ridge(train: Samples, queries: np.ndarray, regularisers: Sequence[float]) -> dict[float, np.ndarray]:
    """Numbers by ridge regression."""
    return {regulariser: model(queries) for regulariser, model in fit_numbers(train, regularisers).items()}


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
    directions = _directions(values)
    rows = max(FEWEST_ROWS, SIMILARITIES // len(values))
    found = [(chunk @ directions.T).topk(min(k, len(values))) for chunk in _directions(queries).split(rows)]
    cosines, nearest = (torch.cat(parts).numpy() for parts in zip(*found, strict=True))
    return np.exp((cosines - 1) / TEMPERATURE), nearest


def _directions(values: np.ndarray) -> Tensor:
    """[n, D] float32 of unit length, or zeros. Scaled by the largest first, as squares may overflow in float32."""
    from sklearn.preprocessing import normalize

    found = np.empty(values.shape, np.float32)
    for start in range(0, len(values), ROWS):
        chunk = values[start : start + ROWS]
        largest = np.maximum(np.abs(chunk).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        found[start : start + ROWS] = normalize(chunk / largest, copy=False)
    return torch.from_numpy(found)
