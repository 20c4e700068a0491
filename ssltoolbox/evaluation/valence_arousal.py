"""The task `valence_arousal`: how pleasant, and how agitated, does a face look?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ssltoolbox.api import Features, Split, UserError
from ssltoolbox.evaluation.metrics import ccc, rmse
from ssltoolbox.evaluation.options import ValenceArousalOptions
from ssltoolbox.evaluation.probes import REGULARISERS, average, ridge
from ssltoolbox.evaluation.samples import Samples, labelled
from ssltoolbox.evaluation.selection import by_protocol, choose_on_val


class ValenceArousal:
    """CCC and RMSE of valence and of arousal, by a probe on frozen features."""

    def __init__(self, options: ValenceArousalOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        """`{"valence": …, "arousal": …}`, each with these keys:

        - `ccc` in -1 to 1, 0 for a guess; `rmse` on labels in -1 to 1
        - `protocol`, `regulariser` or `k` as chosen, `knn`: the neighbours' numbers beside a linear probe
        - `frames`: labelled frames of each split

        Raises:
            UserError: for features or labels that no number can be had from.
        """
        return {label: self._evaluate(features, label) for label in ("valence", "arousal")}

    def _evaluate(self, features: Mapping[Split, Features], label: str) -> dict[str, Any]:
        samples = labelled(features, label, "valence_arousal")
        _check_range(samples, label)
        result = by_protocol(
            self.options.protocol,
            lambda: choose_on_val(ridge, samples, REGULARISERS, ccc),
            lambda: choose_on_val(average, samples, self.options.k, ccc),
            partial(_measure, samples["test"].targets),
        )
        return {**result, "frames": {split: len(found) for split, found in samples.items()}}


def _check_range(samples: Mapping[Split, Samples], label: str) -> None:
    for split, found in samples.items():
        strange = found.targets[np.abs(found.targets) > 1]
        if len(strange):
            raise UserError(
                f"valence_arousal: the {split} split has frames with {label} {strange[0]:g}",
                "values lie between -1 and 1; NaN means none",
            )


def _measure(truth: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    return {"ccc": ccc(truth, predicted), "rmse": rmse(truth, predicted)}
