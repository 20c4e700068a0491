"""The task `regression`: a number that images are labelled with."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ssltoolbox.api import Features, Head, Split, TaskResults, UserError
from ssltoolbox.tasks.fitted import fit_numbers
from ssltoolbox.tasks.intervals import regression_intervals
from ssltoolbox.tasks.metrics import ccc, rmse
from ssltoolbox.tasks.options import RegressionOptions
from ssltoolbox.tasks.probes import REGULARISERS, average
from ssltoolbox.tasks.samples import Samples, labelled, unlabelled
from ssltoolbox.tasks.selection import by_protocol, choose_on_val, fit_and_choose


class Regression:
    """CCC and RMSE of any label that is a number, by a probe on frozen features."""

    def __init__(self, options: RegressionOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> TaskResults:
        """The result is under the label's name:

        - `ccc` in -1 to 1, 0 for a guess; `rmse` in the label's unit; `ccc_ci` and `rmse_ci`: their intervals
          [low, high] over people, where there are several, and `resamples`
        - `protocol`; `regulariser` or `k` as chosen, and `val`, the score on the val split by which it was; `knn`:
          those of the neighbours, with a linear probe
        - `frames`: labelled frames of each split; `unlabelled`: how many more have no such label

        With the head of a linear probe.

        Raises:
            UserError: for features or labels from which no metric can be computed.
        """
        label = self.options.label
        samples = labelled(features, label, "regression")
        for split, found in samples.items():
            if found.targets.ndim > 1 or found.targets.dtype.kind != "f":
                raise UserError(f"regression: {label!r} is not a number in the {split} split")
        missing = unlabelled({split: len(features[split]) - len(found) for split, found in samples.items()})
        metrics, head = measured(label, samples, self.options.protocol, self.options.k)
        return TaskResults({label: metrics | missing}, head)


def measured(
    label: str, samples: Mapping[Split, Samples], protocol: Any, k: tuple[int, ...]
) -> tuple[dict[str, Any], Head | None]:
    """CCC, RMSE and the number of samples of each split, and the head of a linear probe.

    Args:
        label: the label.
        samples: the samples of each split, with numbers as targets.
        protocol: `linear` or `knn`.
        k: the numbers of neighbours to choose from.
    """
    test = samples["test"]
    metrics, probe = by_protocol(
        protocol,
        lambda: fit_and_choose(fit_numbers, samples, REGULARISERS, ccc),
        lambda: choose_on_val(average, samples, k, ccc),
        partial(measure, test.targets, test.identity),
    )
    metrics["frames"] = {split: len(found) for split, found in samples.items()}
    return metrics, probe.model.head(label, ()) if probe.model else None


def measure(truth: np.ndarray, identity: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    """CCC and RMSE with their intervals, of [n] numbers."""
    return {
        "ccc": ccc(truth, predicted),
        "rmse": rmse(truth, predicted),
        **regression_intervals(truth, predicted, identity),
    }
