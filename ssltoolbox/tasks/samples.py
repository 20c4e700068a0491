"""Selects the labelled frames of features as samples of a task; errors say why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ssltoolbox.api import Features, Split, UserError
from ssltoolbox.support.words import agreeing

SPLITS: tuple[Split, ...] = ("train", "val", "test")


@dataclass(frozen=True, eq=False)
class Samples:
    """Frames for training or testing a probe.

    Attributes:
        values: [n, D] float32, of all frames the features' own memory.
        targets: [n] classes, or numbers to predict; [n, C] of a label of several columns.
        identity: [n] their identities.
    """

    values: np.ndarray
    targets: np.ndarray
    identity: np.ndarray

    @classmethod
    def of(cls, features: Features, targets: np.ndarray, where: np.ndarray) -> Samples:
        """The frames for which `where` [frames] is True, with their `targets` [frames]."""
        values = features.values if where.all() else features.values[where]
        return cls(values, targets[where], features.identity[where])

    def __len__(self) -> int:
        return len(self.targets)


def usable(features: Mapping[Split, Features], split: Split, task: str) -> Features:
    """Checks that a split has features, and that they are finite.

    Raises:
        UserError: for a split that is missing or empty, and for features that are NaN or infinite.
    """
    if split not in features:
        raise UserError(f"{task}: there is no {split} split; the task needs it")
    found = features[split]
    if not len(found):
        raise UserError(
            f"{task}: the {split} split has no frames", "choose the data's options so that it has some"
        )
    broken = int((~np.isfinite(found.values)).any(axis=1).sum())
    if broken:
        have = agreeing(broken, "has", "have")
        raise UserError(
            f"{task}: {broken} of {len(found)} frames of the {split} split {have} features that are NaN or "
            "infinite: the backbone has diverged",
            "train it again with a lower learning rate",
        )
    return found


def labelled(features: Mapping[Split, Features], label: str, task: str) -> dict[Split, Samples]:
    """The frames of each split that have the label; -1 and NaN are no label.

    Raises:
        UserError: as `usable` does, and for a split without the label or without a single labelled frame.
    """
    return {split: _labelled(usable(features, split, task), split, label, task) for split in SPLITS}


def unlabelled(counts: Mapping[Split, int]) -> dict[str, Any]:
    """`unlabelled` for a result: frames of each split without the label, which were left out; nothing for none."""
    missing = {split: count for split, count in counts.items() if count}
    return {"unlabelled": missing} if missing else {}


def has_label(features: Features, split: Split, label: str, task: str) -> np.ndarray:
    """[frames] bool.

    Raises:
        UserError: where the split lacks the label, or all of its frames do.
    """
    if label not in features.labels:
        names = ", ".join(sorted(features.labels)) or "none"
        raise UserError(f"{task}: the {split} split has no label '{label}'; its labels: {names}")
    targets = np.asarray(features.labels[label])
    known: np.ndarray = np.isfinite(targets) if np.issubdtype(targets.dtype, np.floating) else targets >= 0
    if known.ndim > 1:
        known = np.any(known, axis=1)
    if not known.any():
        raise UserError(
            f"{task}: none of the {len(features)} frames of the {split} split has a label '{label}'"
        )
    return known


def _labelled(features: Features, split: Split, label: str, task: str) -> Samples:
    known = has_label(features, split, label, task)
    return Samples.of(features, np.asarray(features.labels[label]), known)
