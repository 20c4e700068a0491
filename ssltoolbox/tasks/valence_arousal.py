"""The task `valence_arousal`: predict valence (pleasantness) and arousal (activation)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from torch import Tensor

from ssltoolbox.api import EvaluationContext, Features, Head, HeadOutput, Split, TaskResults, UserError
from ssltoolbox.tasks.fitted import joined
from ssltoolbox.tasks.frames import labelled_frames
from ssltoolbox.tasks.goal import Goal
from ssltoolbox.tasks.metrics import ccc
from ssltoolbox.tasks.options import ValenceArousalOptions
from ssltoolbox.tasks.regression import measure, measured
from ssltoolbox.tasks.samples import labelled, unlabelled

LABELS = ("valence", "arousal")


class ValenceArousal:
    """CCC and RMSE of valence and of arousal, by a probe on frozen features or by fine-tuning."""

    def __init__(self, options: ValenceArousalOptions) -> None:
        self.options = options

    @property
    def needs_network(self) -> bool:
        """True for the protocol `finetune`."""
        return self.options.protocol == "finetune"

    @property
    def trains(self) -> bool:
        """True for the same protocol."""
        return self.needs_network

    def evaluate(self, features: Mapping[Split, Features]) -> TaskResults:
        """`{"valence": …, "arousal": …}`, each with these keys:

        - `ccc` in -1 to 1, 0 for a guess; `rmse` on labels in -1 to 1; `ccc_ci` and `rmse_ci`: their intervals
          [low, high] over people, where there are several, and `resamples`
        - `protocol`, `regulariser`, `k` or `epoch` as chosen, `knn`: those of the neighbours, with a linear probe
        - `frames`: labelled frames of each split; `unlabelled`: how many more have no such label

        With the heads of linear probes as one.

        Raises:
            UserError: for features or labels from which no metric can be computed.
        """
        found = {label: self._evaluate(features, label) for label in LABELS}
        heads = [head for _, head in found.values() if head]
        metrics = {label: of_label for label, (of_label, _) in found.items()}
        return TaskResults(metrics, joined(heads) if heads else None)

    def _evaluate(self, features: Mapping[Split, Features], label: str) -> tuple[dict[str, Any], Head | None]:
        samples = labelled(features, label, "valence_arousal")
        for split, found in samples.items():
            _check_range(found.targets, split, label)
        missing = unlabelled({split: len(features[split]) - len(found) for split, found in samples.items()})
        metrics, head = measured(label, samples, self.options.protocol, self.options.k)
        return metrics | missing, head

    def evaluate_network(self, context: EvaluationContext) -> TaskResults:
        """The same after fine-tuning, of valence and arousal together, on frames that have both."""
        from ssltoolbox.tasks.finetune import finetune

        frames = labelled_frames(context, LABELS, "valence_arousal")
        for split, found in frames.items():
            for column, label in enumerate(LABELS):
                _check_range(found.targets[:, column], split, label)
        goal = Goal("valence_arousal", len(LABELS), _loss, lambda outputs: outputs, _mean_ccc)
        tuned = finetune(context, frames, goal, self.options.finetune)
        test = frames["test"]
        facts = {
            "protocol": "finetune",
            "epoch": tuned.epoch,
            "val": tuned.score,
            "frames": {split: len(found) for split, found in frames.items()},
        }
        results = {
            label: measure(test.targets[:, column], test.identity, tuned.predicted[:, column]) | facts
            for column, label in enumerate(LABELS)
        }
        return TaskResults(results, tuned.head(*(HeadOutput(label, "number") for label in LABELS)))


def _loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """[B, 2] twice → the mean of 1 - CCC over the batch, with variances of the population."""
    covariance = ((outputs - outputs.mean(0)) * (targets - targets.mean(0))).mean(0)
    variances = outputs.var(0, correction=0) + targets.var(0, correction=0)
    agreement = 2 * covariance / (variances + (outputs.mean(0) - targets.mean(0)) ** 2 + 1e-8)
    return (1 - agreement).mean()


def _mean_ccc(truth: np.ndarray, predicted: np.ndarray) -> float:
    """The mean CCC of the columns of [n, 2] numbers."""
    return float(np.mean([ccc(truth[:, column], predicted[:, column]) for column in range(len(LABELS))]))


def _check_range(targets: np.ndarray, split: Split, label: str) -> None:
    strange = targets[np.abs(targets) > 1]
    if len(strange):
        raise UserError(
            f"valence_arousal: the {split} split has frames with {label} {strange[0]:g}",
            "values lie between -1 and 1; NaN means none",
        )
