"""The task `classification`: which class of any label does an image show?"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from ssltoolbox.api import ClassPredictions, EvaluationContext, Features, Head, HeadOutput, Split, TaskResults
from ssltoolbox.tasks.classes import Classes
from ssltoolbox.tasks.fitted import fit_classes
from ssltoolbox.tasks.frames import LabelledFrames, labelled_frames
from ssltoolbox.tasks.linear_sgd import fit_by_sgd
from ssltoolbox.tasks.metrics import macro_f1
from ssltoolbox.tasks.options import ClassificationOptions, ClassOptions
from ssltoolbox.tasks.probes import REGULARISERS, vote
from ssltoolbox.tasks.samples import has_label, labelled, unlabelled
from ssltoolbox.tasks.selection import by_protocol, choose_on_val, fit_and_choose

Learned = tuple[np.ndarray, dict[str, Any], Head]
"""Predictions for the test split, what was chosen, and the head."""


class ClassTask:
    """Macro-F1 and accuracy of a label's classes, by a probe on frozen features or by fine-tuning."""

    task: str
    options: ClassOptions

    @property
    def label(self) -> str:
        """The label, which the result is named after."""
        return self.options.needed_labels()[0]

    @property
    def needs_network(self) -> bool:
        """True for protocols that fine-tune the network or show it augmented images."""
        return self.options.protocol in ("finetune", "linear_sgd")

    @property
    def trains(self) -> bool:
        """True for the same protocols."""
        return self.needs_network

    def evaluate(self, features: Mapping[Split, Features]) -> TaskResults:
        """The result is under the label's name, shares in 0 to 1:

        - `f1` (macro, over the classes that the test split shows), `accuracy`; `f1_ci` and `accuracy_ci`: their
          intervals [low, high] over people, where there are several, and `resamples`
        - `chance`: what a guess among those classes gets right; `majority`: what the training split's most
          frequent class gets right as the answer to everything
        - `per_class`: by name `precision`, `recall`, `f1`, `frames` of the test split
        - `confusion`: frames of the test split [true][predicted], in the order of `per_class`
        - `protocol`; `regulariser`, `k`, `lr` or `epoch` as chosen, and `val`, the macro-F1 on the val split by
          which it was; `knn`: those of the neighbours, with a linear probe
        - `frames`: labelled frames of each split; `unlabelled`: how many more have no such label; `absent`:
          classes that a split lacks

        With the head of a linear probe.

        Raises:
            UserError: for features or labels from which no metric can be computed.
        """
        samples = labelled(features, self.label, self.task)
        targets = {split: found.targets for split, found in samples.items()}
        classes = self._classes(features["train"].classes, targets)
        classes.check(targets)
        assert self.options.protocol != "linear_sgd"
        metrics, probe = by_protocol(
            self.options.protocol,
            lambda: fit_and_choose(
                partial(fit_classes, balanced=self.options.balanced), samples, REGULARISERS, macro_f1
            ),
            lambda: choose_on_val(vote, samples, self.options.k, macro_f1),
            partial(classes.measure, targets["test"], samples["test"].identity),
        )
        missing = unlabelled({split: len(features[split]) - len(found) for split, found in samples.items()})
        head = probe.model.head(self.label, classes.names) if probe.model else None
        known = has_label(features["test"], "test", self.label, self.task)
        clip, time = features["test"].clip[known], features["test"].time[known]
        predictions = ClassPredictions(clip, time, targets["test"], probe.predicted)
        results = {self.label: metrics | classes.facts(targets) | missing}
        return TaskResults(results, head, {self.label: predictions})

    def evaluate_network(self, context: EvaluationContext) -> TaskResults:
        """The same after fine-tuning, with the network and its head, or by a linear layer that SGD has trained."""
        frames = labelled_frames(context, [self.label], self.task)
        targets = {split: found.targets for split, found in frames.items()}
        classes = self._classes(context.classes, targets)
        classes.check(targets)
        learn = self._by_sgd if self.options.protocol == "linear_sgd" else self._fine_tuned
        predicted, chosen, head = learn(context, frames, classes)
        result = classes.measure(targets["test"], frames["test"].identity, predicted)
        missing = unlabelled({split: found.unlabelled for split, found in frames.items()})
        chosen["protocol"] = self.options.protocol
        clip, time = frames["test"].clip, frames["test"].times(context.datasets["test"])
        predictions = ClassPredictions(clip, time, targets["test"], predicted)
        results = {self.label: result | chosen | classes.facts(targets) | missing}
        return TaskResults(results, head, {self.label: predictions})

    def _fine_tuned(
        self, context: EvaluationContext, frames: Mapping[Split, LabelledFrames], classes: Classes
    ) -> Learned:
        from ssltoolbox.tasks.finetune import finetune

        train = frames["train"].targets
        goal = classes.goal(train, self.options.balanced)
        tuned = finetune(context, frames, goal, self.options.finetune)
        output = HeadOutput(self.label, "classes", classes.seen(train))
        return tuned.predicted, {"epoch": tuned.epoch, "val": tuned.score}, tuned.head(output)

    def _by_sgd(
        self, context: EvaluationContext, frames: Mapping[Split, LabelledFrames], classes: Classes
    ) -> Learned:
        options = self.options.linear_sgd
        goal = classes.goal(frames["train"].targets, options.balanced)
        found = fit_by_sgd(context, frames, goal, options)
        chosen = {"lr": found.setting, "val": found.score, "augment": options.augment}
        assert found.model is not None
        return found.predicted, chosen, found.model.head(self.label, classes.names)

    def _classes(self, named: Mapping[str, tuple[str, ...]], targets: Mapping[Split, np.ndarray]) -> Classes:
        """The data's own; where it has no names for them, their numbers."""
        names = named.get(self.label) or self._names(max(int(found.max()) for found in targets.values()) + 1)
        return Classes(self.task, self.label, tuple(names))

    def _names(self, count: int) -> tuple[str, ...]:
        return tuple(map(str, range(count)))


class Classification(ClassTask):
    """The classes of any label."""

    task = "classification"

    def __init__(self, options: ClassificationOptions) -> None:
        self.options = options
