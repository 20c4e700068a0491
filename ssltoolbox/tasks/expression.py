"""The task `expression`: which of the eight expressions does a face show?"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS, EvaluationContext, Features, Split, UserError
from ssltoolbox.tasks.finetune import Goal, finetune
from ssltoolbox.tasks.frames import labelled_frames
from ssltoolbox.tasks.intervals import classification_intervals
from ssltoolbox.tasks.metrics import accuracy, macro_f1
from ssltoolbox.tasks.options import ExpressionOptions
from ssltoolbox.tasks.probes import REGULARISERS, logistic, vote
from ssltoolbox.tasks.samples import labelled
from ssltoolbox.tasks.selection import by_protocol, choose_on_val

CLASSES = range(len(EXPRESSIONS))

log = logging.getLogger(__name__)


class Expression:
    """Macro-F1 and accuracy of the expression, by a probe on frozen features or by fine-tuning."""

    def __init__(self, options: ExpressionOptions) -> None:
        self.options = options

    @property
    def needs_network(self) -> bool:
        """To fine-tune it."""
        return self.options.protocol == "finetune"

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        """`{"expression": …}` with these keys, shares in 0 to 1:

        - `f1` (macro, over the classes that the test split shows), `accuracy`; `f1_ci` and `accuracy_ci`: their
          intervals [low, high] over people, where there are several, and `resamples`
        - `chance`: what a guess among those classes gets right; `majority`: what the training split's most
          frequent class gets right as the answer to everything
        - `per_class`: by name `precision`, `recall`, `f1`, `frames` of the test split
        - `confusion`: frames of the test split [true][predicted], in the order of `EXPRESSIONS`
        - `protocol`, `regulariser`, `k` or `epoch` as chosen, `knn`: the neighbours' numbers beside a linear probe
        - `frames`: labelled frames of each split; `absent`: classes that a split lacks

        Raises:
            UserError: for features or labels that no number can be had from.
        """
        samples = labelled(features, "expression", "expression")
        targets = {split: found.targets for split, found in samples.items()}
        _check_classes(targets)
        result = by_protocol(
            self.options.protocol,
            lambda: choose_on_val(
                partial(logistic, balanced=self.options.balanced), samples, REGULARISERS, macro_f1
            ),
            lambda: choose_on_val(vote, samples, self.options.k, macro_f1),
            partial(_measure, targets["test"], samples["test"].identity),
        )
        return {"expression": result | _facts(targets)}

    def evaluate_network(self, context: EvaluationContext) -> dict[str, dict[str, Any]]:
        """The same after fine-tuning."""
        frames = labelled_frames(context, ["expression"], "expression")
        targets = {split: found.targets for split, found in frames.items()}
        _check_classes(targets)
        tuned = finetune(
            context, frames, _goal(targets["train"], self.options.balanced), self.options.finetune
        )
        result = _measure(targets["test"], frames["test"].identity, tuned.predicted)
        return {"expression": result | {"protocol": "finetune", "epoch": tuned.epoch} | _facts(targets)}


def _goal(train: np.ndarray, balanced: bool) -> Goal:
    """The classes of the training split, and no others, can be an answer."""
    classes, counts = np.unique(train, return_counts=True)
    # The balanced softmax (Ren et al., Balanced Meta-Softmax for Long-Tailed Visual Recognition, 2020): with how
    # often a class occurs added while training, the logits themselves owe nothing to it.
    prior = torch.from_numpy(counts).log() if balanced else torch.zeros(len(classes))
    place = torch.full((len(EXPRESSIONS),), -1)
    place[torch.from_numpy(classes)] = torch.arange(len(classes))

    def loss(logits: Tensor, targets: Tensor) -> Tensor:
        return F.cross_entropy(logits + prior.to(logits), place.to(targets.device)[targets])

    def decode(logits: np.ndarray) -> np.ndarray:
        named: np.ndarray = classes[logits.argmax(axis=1)]
        return named

    return Goal("expression", len(classes), loss, decode, macro_f1)


def _facts(targets: Mapping[Split, np.ndarray]) -> dict[str, Any]:
    """What a reader must know of the data to judge the numbers."""
    train, test = targets["train"], targets["test"]
    majority = np.full_like(test, np.bincount(train).argmax())
    return {
        "chance": 1 / len(np.unique(test)),
        "majority": accuracy(test, majority),
        "frames": {split: len(found) for split, found in targets.items()},
        "absent": {split: _absent(found) for split, found in targets.items()},
    }


def _check_classes(targets: Mapping[Split, np.ndarray]) -> None:
    for split, found in targets.items():
        strange = found[~np.isin(found, CLASSES)]
        if len(strange):
            raise UserError(
                f"expression: the {split} split has a label {strange[0]}",
                f"the classes are 0 to {CLASSES[-1]} ({', '.join(EXPRESSIONS)}), and -1 for none",
            )
    present = np.unique(targets["train"])
    if len(present) == 1:
        raise UserError(
            f"expression: all labelled frames of the train split are '{EXPRESSIONS[present[0]]}'; "
            "there is nothing to tell apart"
        )
    unseen = np.setdiff1d(targets["test"], present)
    if len(unseen):
        log.warning(
            "expression: the train split has no sample of %s, which the test split shows: what was never seen "
            "counts as missed; use more training clips, or data whose splits have the same classes",
            " and ".join(f"'{EXPRESSIONS[number]}'" for number in unseen),
        )


def _absent(targets: np.ndarray) -> list[str]:
    return [name for number, name in enumerate(EXPRESSIONS) if number not in targets]


def _measure(truth: np.ndarray, identity: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
    scores = precision_recall_fscore_support(truth, predicted, labels=CLASSES, zero_division=0)
    return {
        "f1": macro_f1(truth, predicted),
        "accuracy": accuracy(truth, predicted),
        **classification_intervals(truth, predicted, identity),
        "per_class": {
            name: {"precision": float(p), "recall": float(r), "f1": float(f), "frames": int(n)}
            for name, p, r, f, n in zip(EXPRESSIONS, *scores, strict=True)
        },
        "confusion": confusion_matrix(truth, predicted, labels=CLASSES).tolist(),
    }
