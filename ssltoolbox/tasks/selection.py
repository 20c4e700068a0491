"""Chooses the setting of a probe on the val split."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ssltoolbox.api import Split
from ssltoolbox.tasks.fitted import Fit, Fitted
from ssltoolbox.tasks.options import Protocol
from ssltoolbox.tasks.samples import Samples

S = TypeVar("S", int, float)
Probe = Callable[[Samples, np.ndarray, Sequence[S]], dict[S, np.ndarray]]
Score = Callable[[np.ndarray, np.ndarray], float]
"""Truth [n] and predictions [n] to a number; higher is better."""


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """The predictions of a probe for the test split.

    Attributes:
        setting: the regulariser, the number of neighbours or the learning rate that was chosen.
        score: on the val split, by which it was chosen.
        predicted: [test samples].
        model: what predicted them; None where nothing was fitted.
    """

    setting: float
    score: float
    predicted: np.ndarray
    model: Fitted | None = None


def best(predictions: Mapping[S, np.ndarray], truth: np.ndarray, score: Score) -> tuple[S, float]:
    """The setting whose predictions score highest, the first of equals, and its score."""
    scores = {setting: score(truth, found) for setting, found in predictions.items()}
    return max(scores.items(), key=lambda item: item[1])


def choose_on_val(
    probe: Probe[S], samples: Mapping[Split, Samples], settings: Sequence[S], score: Score
) -> ProbeResult:
    """Learns from train, chooses on val, predicts test."""
    val = samples["val"]
    predictions = probe(samples["train"], np.concatenate([val.values, samples["test"].values]), settings)
    setting, reached = best({s: found[: len(val)] for s, found in predictions.items()}, val.targets, score)
    return ProbeResult(setting, reached, predictions[setting][len(val) :])


def fit_and_choose(
    fit: Fit, samples: Mapping[Split, Samples], settings: Sequence[float], score: Score
) -> ProbeResult:
    """Fits to train, chooses on val, predicts test with the chosen model."""
    models = fit(samples["train"], settings)
    val = samples["val"]
    setting, reached = best({each: model(val.values) for each, model in models.items()}, val.targets, score)
    return ProbeResult(setting, reached, models[setting](samples["test"].values), models[setting])


def by_protocol(
    protocol: Protocol,
    linear: Callable[[], ProbeResult],
    neighbours: Callable[[], ProbeResult],
    measure: Callable[[np.ndarray], dict[str, Any]],
) -> tuple[dict[str, Any], ProbeResult]:
    """The metrics of the test predictions, and the probe that gave them.

    The metrics of a linear probe include those of the neighbours, which need no training.
    """
    nearest = neighbours()
    by_neighbours = {**measure(nearest.predicted), "k": nearest.setting, "val": nearest.score}
    if protocol == "knn":
        return {**by_neighbours, "protocol": "knn"}, nearest
    line = linear()
    metrics = {
        **measure(line.predicted),
        "protocol": "linear",
        "regulariser": line.setting,
        "val": line.score,
        "knn": {name: value for name, value in by_neighbours.items() if name != "resamples"},
    }
    return metrics, line
