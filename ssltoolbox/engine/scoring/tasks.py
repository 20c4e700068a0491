"""The downstream tasks, each asked about one network on its data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console
from torch import nn

from ssltoolbox.api import (
    Dataset,
    EvaluationContext,
    Evaluator,
    Features,
    NetworkEvaluator,
    Split,
    UserError,
    View,
)
from ssltoolbox.engine.core.features import features_of, lengths_of, read_frames, spread
from ssltoolbox.models import weights_hash
from ssltoolbox.support.progress import progress

MAX_FRAMES: Mapping[Split, int] = {"train": 4000, "val": 2000, "test": 2000}
"""Frames of each split that the tasks look at: neighbours in a video say little that is new. Enough for a probe,
quick on a laptop."""

MAX_STILLS: Mapping[Split, int] = {"train": 20_000, "val": 20_000}
"""The same where a clip is a single image: all test images count, as a published test set asks for."""


class TaskData(Mapping[Split, Features]):
    """Features of each split of a task's data, computed by one network when they are first asked for.

    Args:
        backbone: [B, 3, size, size] → [B, D], on `device`. It is left as it was.
        max_frames: the most frames of each split; None for `MAX_FRAMES`, and `MAX_STILLS` for images.
        batch_size, workers, device: as for `compute_features`.
    """

    def __init__(
        self,
        backbone: nn.Module,
        view: View,
        datasets: Mapping[Split, Dataset],
        *,
        max_frames: Mapping[Split, int] | None = None,
        batch_size: int = 256,
        workers: int = 0,
        device: str | torch.device = "cpu",
    ) -> None:
        self.backbone, self.view, self.datasets = backbone, view, datasets
        self.max_frames = max_frames
        self.batch_size, self.workers, self.device = batch_size, workers, torch.device(device)
        self._features: dict[Split, Features] = {}

    def __getitem__(self, split: Split) -> Features:
        if split not in self._features:
            lengths = lengths_of(self.datasets[split])
            self._features[split] = self.features(
                self.datasets[split], *spread(lengths, self._most(split, lengths))
            )
        return self._features[split]

    def __iter__(self) -> Iterator[Split]:
        return iter(self.datasets)

    def __len__(self) -> int:
        return len(self.datasets)

    def features(self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray) -> Features:
        """Of the images at these places."""
        return features_of(
            self.backbone,
            self.view,
            dataset,
            clip,
            frame,
            batch_size=self.batch_size,
            workers=self.workers,
            device=self.device,
        )

    def context(self, seed: int, console: Console | None = None) -> EvaluationContext:
        """For a task that needs the network: it gets a copy, and shows on the console how far it is."""
        return EvaluationContext(
            backbone=copy.deepcopy(self.backbone),
            feature_dim=self._feature_dim(),
            view=self.view,
            datasets=self.datasets,
            places=self._places,
            read=partial(read_frames, workers=self.workers),
            features=self.features,
            device=self.device,
            seed=seed,
            progress=partial(progress, console or Console(quiet=True)),
        )

    def _most(self, split: Split, lengths: list[int]) -> int:
        if self.max_frames is not None:
            return self.max_frames[split]
        if max(lengths, default=0) == 1:
            return MAX_STILLS.get(split, len(lengths))
        return MAX_FRAMES[split]

    def _places(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """All images where a clip is one: a network that is trained on them can use them all."""
        lengths = lengths_of(self.datasets[split])
        return spread(lengths, len(lengths) if max(lengths, default=0) == 1 else self._most(split, lengths))

    def _feature_dim(self) -> int:
        size = next(iter(self.datasets.values())).size
        image = self.view.plain(torch.zeros(1, 3, size, size, dtype=torch.uint8, device=self.device))
        features: torch.Tensor = copy.deepcopy(self.backbone).eval()(image)
        return features.shape[1]


def evaluate_backbone(
    backbone: nn.Module,
    view: View,
    datasets: Mapping[Split, Dataset],
    evaluators: Mapping[str, Evaluator | NetworkEvaluator],
    *,
    own_datasets: Mapping[str, Mapping[Split, Dataset]] | None = None,
    data_names: Mapping[str, str] | None = None,
    max_frames: Mapping[Split, int] | None = None,
    batch_size: int = 256,
    workers: int = 0,
    device: str | torch.device = "cpu",
    seed: int = 0,
    console: Console | None = None,
) -> dict[str, dict[str, Any]]:
    """The results of all tasks, as in `evaluation.json`; features of each split are computed once.

    The second task of a name, `expression#2`, has its results under keys that end alike. Of all it is said which
    split was measured, with which seed, on which weights (their SHA-256), and on which data if it is their own.

    Args:
        datasets: the splits of the data.
        evaluators: name → task, in the order of the recipe.
        own_datasets: name of a task → the splits of its own data; the same object for the same data.
        data_names: name of such a task → what its data is called.
        max_frames, batch_size, workers, device: as for `TaskData`.
        seed: for tasks that train.
        console: where these show how far they are.

    Raises:
        UserError: when a task can't be had from this data, or when two tasks report under the same key.
    """
    own_datasets = own_datasets or {}
    data_names = data_names or {}
    said = {"split": "test", "seed": seed, "weights": weights_hash(backbone)}
    data: dict[int, TaskData] = {}
    results: dict[str, dict[str, Any]] = {}
    origin: dict[str, str] = {}
    for name, evaluator in evaluators.items():
        splits = own_datasets.get(name, datasets)
        looked_at = data.setdefault(
            id(splits),
            TaskData(
                backbone,
                view,
                splits,
                max_frames=max_frames,
                batch_size=batch_size,
                workers=workers,
                device=device,
            ),
        )
        _, mark, number = name.partition("#")
        for key, numbers in _asked(evaluator, looked_at, seed, console).items():
            key += mark + number
            if key in origin:
                raise UserError(
                    f"the tasks '{origin[key]}' and '{name}' both report '{key}'", "evaluate with one of them"
                )
            origin[key] = name
            own = {"data": data_names[name]} if name in data_names else {}
            results[key] = {**numbers, **own, **said}
    return results


def _asked(
    evaluator: Evaluator | NetworkEvaluator, data: TaskData, seed: int, console: Console | None
) -> Mapping[str, Mapping[str, Any]]:
    if isinstance(evaluator, NetworkEvaluator) and evaluator.needs_network:
        return evaluator.evaluate_network(data.context(seed, console))
    assert isinstance(evaluator, Evaluator)
    return evaluator.evaluate(data)
