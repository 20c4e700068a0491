"""Classes of a label: which there are, what they are called, and how well they are predicted."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Split, UserError
from ssltoolbox.tasks.goal import Goal
from ssltoolbox.tasks.intervals import classification_intervals
from ssltoolbox.tasks.metrics import accuracy, macro_f1

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Classes:
    """The classes of a task.

    Attributes:
        task: for messages.
        label: whose classes they are.
        names: by number.
    """

    task: str
    label: str
    names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.names)

    def check(self, targets: Mapping[Split, np.ndarray]) -> None:
        """Looks at the labels [n] of each split.

        Raises:
            UserError: for numbers instead of classes, a class without a name, and a single class to train on.
        """
        for split, found in targets.items():
            if found.dtype.kind == "f" or found.ndim > 1:
                what = "several columns" if found.ndim > 1 else "numbers"
                raise UserError(
                    f"{self.task}: {self.label!r} has {what} in the {split} split, and no classes"
                )
            strange = found[found >= len(self)]
            if len(strange):
                raise UserError(
                    f"{self.task}: the {split} split has a label {strange[0]}",
                    f"the classes are 0 to {len(self) - 1} ({', '.join(self.names)}), and -1 for none",
                )
        present = np.unique(targets["train"])
        if len(present) == 1:
            raise UserError(
                f"{self.task}: all labelled frames of the train split are '{self.names[present[0]]}'; "
                "there is nothing to tell apart"
            )
        unseen = np.setdiff1d(targets["test"], present)
        if len(unseen):
            log.warning(
                "%s: the train split has no sample of %s, which the test split shows: what was never seen "
                "counts as missed; use more training clips, or data whose splits have the same classes",
                self.task,
                " and ".join(f"'{self.names[number]}'" for number in unseen),
            )

    def facts(self, targets: Mapping[Split, np.ndarray]) -> dict[str, Any]:
        """What a reader must know of the data to judge the numbers."""
        train, test = targets["train"], targets["test"]
        majority = np.full_like(test, np.bincount(train).argmax())
        return {
            "chance": 1 / len(np.unique(test)),
            "majority": accuracy(test, majority),
            "frames": {split: len(found) for split, found in targets.items()},
            "absent": {split: self._absent(found) for split, found in targets.items()},
        }

    def _absent(self, targets: np.ndarray) -> list[str]:
        return [name for number, name in enumerate(self.names) if number not in targets]

    def measure(self, truth: np.ndarray, identity: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """Macro-F1 and accuracy with their intervals, numbers of each class, and the confusion matrix."""
        return {
            "f1": macro_f1(truth, predicted),
            "accuracy": accuracy(truth, predicted),
            **classification_intervals(truth, predicted, identity),
            **self.by_class(truth, predicted),
        }

    def by_class(self, truth: np.ndarray, predicted: np.ndarray) -> dict[str, Any]:
        """`per_class` by name, and `confusion`, [true][predicted], in the order of the names."""
        from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

        numbers = range(len(self))
        scores = precision_recall_fscore_support(truth, predicted, labels=numbers, zero_division=0)
        return {
            "per_class": {
                name: {"precision": float(p), "recall": float(r), "f1": float(f), "frames": int(n)}
                for name, p, r, f, n in zip(self.names, *scores, strict=True)
            },
            "confusion": confusion_matrix(truth, predicted, labels=numbers).tolist(),
        }

    def seen(self, train: np.ndarray) -> tuple[str, ...]:
        """The names of the classes of the training split, which alone can be an answer of what learned from it."""
        return tuple(self.names[number] for number in np.unique(train))

    def goal(self, train: np.ndarray, balanced: bool) -> Goal:
        """For fine-tuning: the classes of the training split, and no others, can be an answer."""
        classes, counts = np.unique(train, return_counts=True)
        # The balanced softmax (Ren et al., Balanced Meta-Softmax for Long-Tailed Visual Recognition, 2020): with
        # how often a class occurs added while training, the logits themselves owe nothing to it.
        prior = torch.from_numpy(counts).log() if balanced else torch.zeros(len(classes))
        position = torch.full((len(self),), -1)
        position[torch.from_numpy(classes)] = torch.arange(len(classes))

        def loss(logits: Tensor, targets: Tensor) -> Tensor:
            return F.cross_entropy(logits + prior.to(logits), position.to(targets.device)[targets])

        def decode(logits: np.ndarray) -> np.ndarray:
            named: np.ndarray = classes[logits.argmax(axis=1)]
            return named

        return Goal(self.task, len(classes), loss, decode, macro_f1)
