"""Measures one network by downstream tasks, each on its data."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console

from ssltoolbox.api import (
    Dataset,
    EvaluationContext,
    Evaluator,
    Features,
    NetworkEvaluator,
    Split,
    UserError,
)
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor, lengths_of, spread
from ssltoolbox.models import weights_hash
from ssltoolbox.support.progress import progress

MAX_FRAMES: Mapping[Split, int] = {"train": 4000, "val": 2000, "test": 2000}
"""Frames of each split that a task sees: neighbours in a video add little, and a probe needs no more."""

MAX_STILLS: Mapping[Split, int] = {"train": 20_000, "val": 20_000}
"""The same where a clip is a single image. All test images count, as published test sets require."""


class TaskData(Mapping[Split, Features]):
    """Features of each split of a task's data, computed by one network when they are first asked for.

    Args:
        extractor: computes them.
        splits: the data.
        max_frames: the most frames of each split; None for `MAX_FRAMES`, and `MAX_STILLS` for images.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        splits: Mapping[Split, Dataset],
        max_frames: Mapping[Split, int] | None = None,
    ) -> None:
        self.extractor, self.splits, self.max_frames = extractor, splits, max_frames
        self._features: dict[Split, Features] = {}

    def __getitem__(self, split: Split) -> Features:
        if split not in self._features:
            dataset = self.splits[split]
            lengths = lengths_of(dataset)
            frames = spread(lengths, self._most(split, lengths))
            self._features[split] = self.extractor.of_frames(dataset, *frames)
        return self._features[split]

    def __iter__(self) -> Iterator[Split]:
        return iter(self.splits)

    def __len__(self) -> int:
        return len(self.splits)

    def context(self, seed: int, console: Console | None = None) -> EvaluationContext:
        """For a task that needs the network: it gets a copy, and shows its progress on the console."""
        return EvaluationContext(
            backbone=copy.deepcopy(self.extractor.backbone),
            feature_dim=self._feature_dim(),
            view=self.extractor.view,
            datasets=self.splits,
            places=self._frames_to_train_on,
            read=self.extractor.read,
            features=self.extractor.of_frames,
            device=self.extractor.device,
            seed=seed,
            progress=partial(progress, console or Console(quiet=True)),
        )

    def _most(self, split: Split, lengths: list[int]) -> int:
        if self.max_frames is not None:
            return self.max_frames[split]
        if max(lengths, default=0) == 1:
            return MAX_STILLS.get(split, len(lengths))
        return MAX_FRAMES[split]

    def _frames_to_train_on(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """All images where a clip is one: a network that is trained on them can use them all."""
        lengths = lengths_of(self.splits[split])
        return spread(lengths, len(lengths) if max(lengths, default=0) == 1 else self._most(split, lengths))

    def _feature_dim(self) -> int:
        size = next(iter(self.splits.values())).size
        image = torch.zeros(1, 3, size, size, dtype=torch.uint8, device=self.extractor.device)
        features: torch.Tensor = copy.deepcopy(self.extractor.backbone).eval()(
            self.extractor.view.plain(image)
        )
        return features.shape[1]


def evaluate_tasks(
    extractor: FeatureExtractor,
    tasks: Mapping[str, Task],
    *,
    seed: int = 0,
    console: Console | None = None,
    max_frames: Mapping[Split, int] | None = None,
) -> dict[str, dict[str, Any]]:
    """The results of all tasks, as in `evaluation.json`; features of each split are computed once.

    The second task of a name, `pose#2`, has its results under keys that end alike. Each result names the task
    that gave it, the split that was measured, the seed, the SHA-256 of the weights, and the data if it is the
    task's own.

    Args:
        extractor: with the network that is measured.
        tasks: by key, in the order of the recipe.
        seed: for tasks that train.
        console: where tasks show their progress.
        max_frames: as for `TaskData`.

    Raises:
        UserError: when a task can't be measured on its data, or when two tasks report under the same key.
    """
    about = {"split": "test", "seed": seed, "weights": weights_hash(extractor.backbone)}
    data: dict[int, TaskData] = {}
    results: dict[str, dict[str, Any]] = {}
    reported_by: dict[str, str] = {}
    for name, task in tasks.items():
        of_task = data.setdefault(id(task.splits), TaskData(extractor, task.splits, max_frames))
        own_data = {"data": task.own_data} if task.own_data else {}
        _, mark, number = name.partition("#")
        for key, numbers in _evaluate(task.evaluator, of_task, seed, console).items():
            key += mark + number
            if key in reported_by:
                raise UserError(
                    f"the tasks '{reported_by[key]}' and '{name}' both report '{key}'",
                    "evaluate with one of them",
                )
            reported_by[key] = name
            results[key] = {**numbers, **own_data, "task": name, **about}
    return results


def _evaluate(
    evaluator: Evaluator | NetworkEvaluator, data: TaskData, seed: int, console: Console | None
) -> Mapping[str, Mapping[str, Any]]:
    if isinstance(evaluator, NetworkEvaluator) and evaluator.needs_network:
        return evaluator.evaluate_network(data.context(seed, console))
    assert isinstance(evaluator, Evaluator)
    return evaluator.evaluate(data)
