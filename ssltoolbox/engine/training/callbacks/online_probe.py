"""A small linear probe on the features during training, scored on the val split."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback
from torch import nn

from ssltoolbox.api import Clip, Dataset, Features, Frames, View
from ssltoolbox.data.drawing.reading import read_frames
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.training.ranks import is_logged
from ssltoolbox.tasks.metrics import ccc, macro_f1
from ssltoolbox.tasks.probes import logistic, ridge
from ssltoolbox.tasks.samples import Samples

MOST_FRAMES = 512
"""Frames of the train split that the probe learns from, and of the val split that it is scored on."""
REGULARISER = 0.1
"""Regulariser of the probe; benchmarks/RESULTS.md says how it was chosen."""
AUTO_SHARE = 0.01
"""The share of a run's arithmetic that `auto` spends on probes."""
PASSES_OF_A_STEP = 3
"""Cost of an image in a training step, forward and backward, in forward passes."""


def auto_steps(images: int) -> int:
    """Steps between two probes, so that probing costs `AUTO_SHARE` of the run's arithmetic.

    Args:
        images: of a step on one device.

    >>> auto_steps(256)
    134
    """
    return math.ceil(2 * MOST_FRAMES / (PASSES_OF_A_STEP * images * AUTO_SHARE))


class OnlineProbe(Callback):
    """Logs how well a linear probe on the frozen features predicts the labels of the val split.

    The probe is trained on frames of the train split. Classes are scored by macro-F1 (`probe_<label>_f1`),
    numbers by CCC (`probe_<label>_ccc`). The test split is never used. The probe does not change the run: norm
    statistics and random numbers stay the same. Only rank 0 probes.

    Args:
        train, val: the splits.
        view: resizes and normalises.
        encoder: the trained backbone → the network with its tensors that gives the features.
        every: steps between two probes, rounded up to logged steps.

    Attributes:
        latest: the scores of the last probe; empty before the first one.
    """

    def __init__(
        self, train: Dataset, val: Dataset, view: View, encoder: Callable[[nn.Module], nn.Module], every: int
    ) -> None:
        self.latest: dict[str, float] = {}
        self.splits = (_Remembered(train), _Remembered(val))
        self.view = view
        self.encoder = encoder
        self.every = every

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Probes at every `every`-th step."""
        logged: int = trainer.log_every_n_steps  # type: ignore[attr-defined]
        every = math.ceil(self.every / logged) * logged
        if not (trainer.is_global_zero and is_logged(trainer, index) and trainer.global_step % every == 0):
            return
        backbone: nn.Module = module.method.backbone  # type: ignore[union-attr, assignment]
        extractor = FeatureExtractor(self.encoder(backbone), self.view, module.device)
        train, val = (extractor.of_split(split, MOST_FRAMES) for split in self.splits)
        self.latest = dict(scores(train, val))
        # Sent to the loggers directly: Lightning repeats what a module logs in the rows that follow.
        for logger in trainer.loggers:
            logger.log_metrics(dict(self.latest), step=trainer.global_step - 1)


def scores(train: Features, val: Features) -> Iterator[tuple[str, float]]:
    """Metric names and values, for each label that both splits have."""
    for label in train.labels:
        if label not in val.labels or train.labels[label].ndim > 1:
            continue
        known, held_out = (_labelled(features, label) for features in (train, val))
        if len(held_out) and len(np.unique(known.targets)) > 1:
            is_class = np.issubdtype(known.targets.dtype, np.integer)
            probe, score, metric = (logistic, macro_f1, "f1") if is_class else (ridge, ccc, "ccc")
            predicted = probe(known, held_out.values, [REGULARISER])[REGULARISER]
            yield f"probe_{label}_{metric}", score(held_out.targets, predicted)


def _labelled(features: Features, label: str) -> Samples:
    """The frames that have the label and finite features."""
    targets = features.labels[label]
    known = np.isfinite(targets) if np.issubdtype(targets.dtype, np.floating) else targets >= 0
    return Samples.of(features, targets, known & np.isfinite(features.values).all(axis=-1))


class _Remembered:
    """A dataset that caches what it has read, so that frames are read once in a run."""

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
            self._read[key] = read_frames(self.dataset, clips, frames)
        return self._read[key]
