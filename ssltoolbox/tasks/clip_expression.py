"""The task `clip_expression`: which expression does a clip show, by its features pooled over time?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from ssltoolbox.api import EXPRESSIONS, ClassPredictions, Features, Split, TaskResults, UserError
from ssltoolbox.tasks.classes import Classes
from ssltoolbox.tasks.intervals import recall_intervals
from ssltoolbox.tasks.metrics import accuracy, balanced_accuracy
from ssltoolbox.tasks.options import ClipExpressionOptions
from ssltoolbox.tasks.probes import REGULARISERS, logistic, vote
from ssltoolbox.tasks.samples import Samples, labelled, unlabelled
from ssltoolbox.tasks.selection import by_protocol, choose_on_val


class ClipExpression:
    """UAR and WAR of clips, by a probe on the features of their frames, pooled."""

    def __init__(self, options: ClipExpressionOptions) -> None:
        self.options = options

    def evaluate(self, features: Mapping[Split, Features]) -> TaskResults:
        """`{"clip_expression": …}`, or `clip_` and another label's name; shares in 0 to 1:

        - `uar`: the mean recall over the classes that the test split shows; `war`: the share of clips that are
          right; `uar_ci` and `war_ci`: their intervals [low, high] over people, where there are several, and
          `resamples`
        - `chance`: what a guess among those classes gets right
        - `per_class`, `confusion`: as the task `expression` has them, of clips
        - `protocol`; `regulariser` or `k` as chosen, and `val`, the score on the val split by which it was; `knn`:
          those of the neighbours, with a linear probe
        - `clips`, `frames`: labelled clips and frames of each split; `unlabelled`: how many more frames have no
          such label

        Raises:
            UserError: for features or labels from which no metric can be computed.
        """
        label = self.options.label
        frames = labelled(features, label, "clip_expression")
        if any(found.targets.ndim > 1 or found.targets.dtype.kind == "f" for found in frames.values()):
            raise UserError(f"clip_expression: {label!r} has no classes")
        names = features["train"].classes.get(label) or EXPRESSIONS
        classes = Classes("clip_expression", label, tuple(names))
        clips = {split: _labelled_clips(features[split], label) for split in frames}
        samples = {
            split: _pooled(features[split], label, found, self.options.pool) for split, found in clips.items()
        }
        targets = {split: found.targets for split, found in samples.items()}
        classes.check(targets)
        test = samples["test"]
        metrics, probe = by_protocol(
            self.options.protocol,
            lambda: choose_on_val(
                partial(logistic, balanced=self.options.balanced), samples, REGULARISERS, balanced_accuracy
            ),
            lambda: choose_on_val(vote, samples, self.options.k, balanced_accuracy),
            partial(_measure, classes, test.targets, test.identity),
        )
        facts = classes.facts(targets) | {
            "clips": {split: len(found) for split, found in samples.items()},
            "frames": {split: len(found) for split, found in frames.items()},
        }
        missing = unlabelled({split: len(features[split]) - len(found) for split, found in frames.items()})
        shown = np.array([features["test"].clip[frames[0]] for frames in clips["test"]], np.int64)
        predictions = ClassPredictions(shown, None, test.targets, probe.predicted)
        key = f"clip_{label}"
        return TaskResults({key: metrics | facts | missing}, predictions={key: predictions})


def _labelled_clips(features: Features, label: str) -> list[np.ndarray]:
    """The positions of the frames of each clip that has a labelled frame."""
    order = np.argsort(features.clip, kind="stable")
    clips = np.split(order, np.flatnonzero(np.diff(features.clip[order])) + 1)
    return [frames for frames in clips if (features.labels[label][frames] >= 0).any()]


def _pooled(features: Features, label: str, clips: Sequence[np.ndarray], pool: str) -> Samples:
    """A sample for each clip: the class that most of its labelled frames have; the first of equals."""
    targets = features.labels[label]
    known = [targets[frames][targets[frames] >= 0] for frames in clips]
    return Samples(
        np.stack([_pool(features.values[frames].astype(np.float64), pool) for frames in clips]),
        np.array([np.bincount(found).argmax() for found in known], np.int64),
        np.array([features.identity[frames[0]] for frames in clips], np.int64),
    )


def _pool(values: np.ndarray, pool: str) -> np.ndarray:
    """[frames, D] → [D], or [2D] of mean and standard deviation."""
    if pool == "max":
        highest: np.ndarray = values.max(axis=0)
        return highest
    mean: np.ndarray = values.mean(axis=0)
    return mean if pool == "mean" else np.concatenate([mean, values.std(axis=0)])


def _measure(
    classes: Classes, truth: np.ndarray, identity: np.ndarray, predicted: np.ndarray
) -> dict[str, Any]:
    return {
        "uar": balanced_accuracy(truth, predicted),
        "war": accuracy(truth, predicted),
        **recall_intervals(truth, predicted, identity),
        **classes.by_class(truth, predicted),
    }
