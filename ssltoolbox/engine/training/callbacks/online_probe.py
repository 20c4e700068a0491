"""A small linear probe on the features while they are learned, scored on the val split."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import nn

from ssltoolbox.api import Clip, Dataset, Features, Frames, View
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.training.ranks import is_logged
from ssltoolbox.tasks.metrics import ccc, macro_f1
from ssltoolbox.tasks.probes import logistic, ridge
from ssltoolbox.tasks.samples import Samples

MOST_FRAMES = 512
"""Frames of the train split that the probe learns from, and of the val split that it is scored on."""
REGULARISER = 0.1
"""Of the probe, fixed. Of 5, 20 neighbours and a linear probe with 1, 0.1, 0.01 this one told a network of 400
steps (macro-F1 0.16) from random weights (0.07) best; neighbours among so few frames did not."""
AUTO_SHARE = 0.01
"""The part of a run's arithmetic that `auto` spends."""
PASSES_OF_A_STEP = 3
"""What an image costs in a training step, forward and backward, in forward passes."""


def auto_steps(images: int) -> int:
    """Steps from one probe to the next that keep its forward passes at `AUTO_SHARE` of the run's.

    Args:
        images: of a step on one device, both sides of every instance.

    >>> auto_steps(256)
    134
    """
    return math.ceil(2 * MOST_FRAMES / (PASSES_OF_A_STEP * images * AUTO_SHARE))


class OnlineProbe(Callback):
    """Logs how well a linear probe on the frozen backbone's features tells the labels of the val split.

    It learns from frames of the train split. A label that is a class is scored by macro-F1 (`probe_<label>_f1`),
    one that is a number by CCC (`probe_<label>_ccc`). The test split is never touched, and training goes on as if
    nobody had looked: neither the statistics of a norm nor a random number changes. Rank 0 looks for all.

    Args:
        train, val: the splits.
        view: resizes and normalises.
        every: steps from one look to the next; rounded up to steps that are logged.
    """

    def __init__(self, train: Dataset, val: Dataset, view: View, every: int) -> None:
        self.splits = (_Remembered(train), _Remembered(val))
        self.view = view
        self.every = every

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Looks when it is time."""
        logged: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        every = math.ceil(self.every / logged) * logged
        if not (trainer.is_global_zero and is_logged(trainer, index) and trainer.global_step % every == 0):
            return
        backbone: nn.Module = module.method.backbone  # type: ignore[union-attr, assignment]
        extractor = FeatureExtractor(backbone, self.view, module.device)
        train, val = (extractor.of_split(split, MOST_FRAMES) for split in self.splits)
        # To the loggers themselves: what a module logs, Lightning repeats in the rows that follow.
        for logger in trainer.loggers:
            logger.log_metrics(dict(scores(train, val)), step=trainer.global_step - 1)


def scores(train: Features, val: Features) -> Iterator[tuple[str, float]]:
    """Names and numbers of the labels that both have, from features that are finite and labelled."""
    for label in train.labels:
        if label not in val.labels or train.labels[label].ndim > 1:
            continue
        learned, asked = (_labelled(features, label) for features in (train, val))
        if len(asked) and len(np.unique(learned.targets)) > 1:
            is_class = np.issubdtype(learned.targets.dtype, np.integer)
            probe, score, metric = (logistic, macro_f1, "f1") if is_class else (ridge, ccc, "ccc")
            predicted = probe(learned, asked.values, [REGULARISER])[REGULARISER]
            yield f"probe_{label}_{metric}", score(asked.targets, predicted)


def _labelled(features: Features, label: str) -> Samples:
    """The frames with that label; none of features that are not finite, as after a divergence."""
    targets = features.labels[label]
    known = np.isfinite(targets) if np.issubdtype(targets.dtype, np.floating) else targets >= 0
    return Samples.of(features, targets, known & np.isfinite(features.values).all(axis=-1))


class _Remembered:
    """A dataset that keeps what was read, so that it is read once in a run."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.size = dataset.size
        self._read: dict[tuple[tuple[int, ...], tuple[int, ...]], Frames] = {}

    def __len__(self) -> int:
        return len(self.dataset)

    def clip(self, index: int) -> Clip:
        return self.dataset.clip(index)

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        key = (tuple(clips), tuple(frames))
        if key not in self._read:
            self._read[key] = self.dataset.read(clips, frames)
        return self._read[key]
