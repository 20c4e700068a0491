"""Evaluates one network on downstream tasks."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from rich.console import Console

from ssltoolbox.api import (
    ClassPredictions,
    Dataset,
    EvaluationContext,
    Evaluator,
    Features,
    Frames,
    Head,
    NetworkEvaluator,
    Split,
    SslToolboxError,
    TaskResults,
    UserError,
)
from ssltoolbox.api.tasks import Fit
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor, lengths_of, spread, warn_of_unreadable
from ssltoolbox.engine.scoring.folds import over_folds
from ssltoolbox.engine.scoring.tables import FeatureTables
from ssltoolbox.models import weights_hash
from ssltoolbox.models.lightning import fit_on_cpu
from ssltoolbox.support.progress import progress
from ssltoolbox.support.words import counted, described

Measured = dict[Split, tuple[Features, tuple[int, int]]]
"""Split → its features, the number of frames used, and the number of frames there are."""


class TaskData(Mapping[Split, Features]):
    """Features of each split of a task's data, computed at first use.

    Args:
        extractor: has the network.
        splits: the data.
        max_frames: the most frames of a split; all frames of a split that is missing here.
        classes: label → names of its classes, if the data has them.
        measured: a cache of features that tasks with the same data and `max_frames` share.
        tables: compute the features, for other networks too; for this one alone if not given.

    Attributes:
        limited: split → the numbers of frames used and there, for the splits of which not all frames are used.
        unreadable: split → the number of frames that could not be read, for the splits that have some.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        splits: Mapping[Split, Dataset],
        max_frames: Mapping[Split, int] | None = None,
        measured: Measured | None = None,
        classes: Mapping[str, tuple[str, ...]] | None = None,
        tables: FeatureTables | None = None,
    ) -> None:
        self.tables = tables or FeatureTables([extractor])
        self.extractor, self.splits, self.max_frames = extractor, splits, max_frames or {}
        self.classes = classes or {}
        self.limited: dict[Split, tuple[int, int]] = {}
        self.unreadable: dict[Split, int] = {}
        self._measured: Measured = {} if measured is None else measured

    def __getitem__(self, split: Split) -> Features:
        if split not in self._measured:
            clip, frame = self._frames(split)
            features = self._features(self.splits[split], clip, frame)
            features = replace(features, classes=self.classes)
            self._measured[split] = features, self.limited.get(split, (len(clip), len(clip)))
        features, (used, there) = self._measured[split]
        if used < there:
            self.limited[split] = used, there
        if len(features) < used:
            self.unreadable[split] = used - len(features)
        return features

    def __iter__(self) -> Iterator[Split]:
        return iter(self.splits)

    def __len__(self) -> int:
        return len(self.splits)

    def context(self, seed: int, console: Console | None = None, fit: Fit = fit_on_cpu) -> EvaluationContext:
        """The context of a task that needs the network; it gets a copy of it, and shows progress of its own."""
        return EvaluationContext(
            backbone=copy.deepcopy(self.extractor.backbone),
            feature_dim=self._feature_dim(),
            view=self.extractor.view,
            datasets=self.splits,
            frames=self._frames,
            read=self._read,
            features=partial(self._features, quiet=True),
            device=self.extractor.device,
            seed=seed,
            progress=partial(progress, console),
            classes=self.classes,
            fit=fit,
        )

    def _features(
        self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray, quiet: bool = False
    ) -> Features:
        """The features of the frames [n] that can be read; see `FeatureTables.of`."""
        features = self.tables.of(self.extractor, dataset, clip, frame, quiet=quiet)
        self._count_unreadable(dataset, clip, frame, len(clip) - len(features))
        return features

    def _read(
        self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray, batch_size: int
    ) -> Iterator[Frames]:
        """The images of the frames [n]; see `FeatureExtractor.read`."""
        reasons: list[str] = []
        for frames in self.extractor.read(dataset, clip, frame, batch_size):
            reasons += frames.unreadable.values()
            yield frames
        warn_of_unreadable(reasons, len(clip))
        self._count_unreadable(dataset, clip, frame, len(reasons))

    def _count_unreadable(self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray, count: int) -> None:
        """
        Args:
            dataset: the frames'; counts are kept for those of the splits.
            clip, frame: [n] the frames that were asked for.
            count: how many of them could not be read.

        Raises:
            UserError: if none could be read.
        """
        split = next((split for split, own in self.splits.items() if own is dataset), None)
        if not count or split is None:
            return
        if count == len(clip):
            (reason,) = dataset.read(clip[:1].tolist(), frame[:1].tolist()).unreadable.values()
            raise UserError(
                f"none of the {counted(count, 'frame')} of the {split} split can be read; the first: {reason}"
            )
        self.unreadable[split] = max(count, self.unreadable.get(split, 0))

    def _frames(self, split: Split) -> tuple[np.ndarray, np.ndarray]:
        """Clip and frame numbers of the frames that the task uses of a split."""
        lengths = lengths_of(self.splits[split])
        there = sum(lengths)
        clip, frame = spread(lengths, self.max_frames.get(split, there))
        if len(clip) < there:
            self.limited[split] = len(clip), there
        return clip, frame

    def _feature_dim(self) -> int:
        size = next(iter(self.splits.values())).size
        image = torch.zeros(1, 3, size, size, dtype=torch.uint8, device=self.extractor.device)
        features: torch.Tensor = copy.deepcopy(self.extractor.backbone).eval()(
            self.extractor.view.plain(image)
        )
        return features.shape[1]


@dataclass(frozen=True, eq=False)
class Evaluated:
    """What the tasks gave.

    Attributes:
        results: as in `evaluation.json`.
        heads: task → its head, for tasks that give one; of several folds that of the first.
        predictions: key of a result → the classes that were predicted, an item for each fold of the task.
    """

    results: dict[str, dict[str, Any]]
    heads: dict[str, Head]
    predictions: dict[str, Sequence[ClassPredictions]]


Fold = tuple[str, int]
"""The key of a task, and the number of a fold of its data."""


class NetworkUnderTest:
    """A network and what is needed to evaluate tasks on it; tasks with the same data share its features.

    Args:
        extractor: has the network.
        seed: for tasks that train.
        console: shows the progress of tasks.
        tables: compute the features, for other networks too.
        fit: trains a network.
    """

    def __init__(
        self,
        extractor: FeatureExtractor,
        seed: int = 0,
        console: Console | None = None,
        tables: FeatureTables | None = None,
        fit: Fit = fit_on_cpu,
    ) -> None:
        self.extractor, self.seed = extractor, seed
        self._console, self._tables, self._fit = console, tables, fit
        self._measured: dict[tuple[int, frozenset[tuple[Split, int]]], Measured] = {}

    def evaluate(self, task: Task, fold: int) -> TaskResults:
        """The results of a task on a fold of its data, with counts of the frames that were left out."""
        splits = task.folds[fold]
        shared = self._measured.setdefault((id(splits), frozenset(task.max_frames.items())), {})
        data = TaskData(self.extractor, splits, task.max_frames, shared, task.classes, self._tables)
        given = _evaluate(task.evaluator, data, lambda: data.context(self.seed, self._console, self._fit))
        counts = {"limited": dict(data.limited), "unreadable": dict(data.unreadable)}
        counts = {name: of_splits for name, of_splits in counts.items() if of_splits}
        results = {key: {**values, **counts} for key, values in _checked(task.evaluator, given).items()}
        if isinstance(given, TaskResults):
            return TaskResults(results, given.head, given.predictions)
        return TaskResults(results)


def evaluate_tasks(
    network: NetworkUnderTest, tasks: Mapping[str, Task], given: Mapping[Fold, TaskResults] | None = None
) -> Evaluated:
    """The results of all tasks, as in `evaluation.json`; features of each split are computed once.

    The second task of a name, `pose#2`, has its results under keys that end alike, where another has the keys
    themselves. Each result names the task that gave it, the split that was measured, the seed, the SHA-256 of the
    weights, the data if it is the task's own, `limited`, the splits of which not all frames were used:
    `{"train": [used, there]}`, and `unreadable`, the number of frames that could not be read, for each split that
    has some.

    Args:
        network: the network.
        tasks: by key, in the order of the recipe.
        given: results that other processes have computed already.

    Raises:
        UserError: when a task can't be measured on its data, or when two tasks report under the same key.
    """
    given = given or {}
    weights = weights_hash(network.extractor.backbone)
    about = {"split": "test", "seed": network.seed, "weights": weights}
    results: dict[str, dict[str, Any]] = {}
    heads: dict[str, Head] = {}
    predictions: dict[str, Sequence[ClassPredictions]] = {}
    reported_by: dict[str, str] = {}
    for name, task in tasks.items():
        own_data = {"data": task.own_data} if task.own_data else {}
        _, mark, number = name.partition("#")
        folds = [
            given[name, fold] if (name, fold) in given else network.evaluate(task, fold)
            for fold in range(len(task.folds))
        ]
        found = _mean(folds)
        if found.head:
            heads[name] = found.head
        for result, numbers in found.items():
            key = result + (mark + number if result in results else "")
            if key in reported_by:
                raise UserError(
                    f"the tasks '{reported_by[key]}' and '{name}' both report '{key}'",
                    "evaluate with one of them",
                )
            reported_by[key] = name
            results[key] = {**numbers, **own_data, "task": name, **about}
            if all(result in fold.predictions for fold in folds):
                predictions[key] = [fold.predictions[result] for fold in folds]
    return Evaluated(results, heads, predictions)


def _mean(folds: Sequence[TaskResults]) -> TaskResults:
    """The results of a task; their mean where its data has several folds."""
    if len(folds) == 1:
        return folds[0]
    return TaskResults({key: over_folds([one[key] for one in folds]) for key in folds[0]}, folds[0].head)


def _checked(evaluator: Evaluator | NetworkEvaluator, given: Any) -> dict[str, dict[str, Any]]:
    """The results of a task with plain numbers instead of numpy's.

    Raises:
        SslToolboxError: for something else than results by name, and for a number that is NaN or infinite.
    """
    name = type(evaluator).__name__
    if not isinstance(given, Mapping) or not all(isinstance(values, Mapping) for values in given.values()):
        raise SslToolboxError(
            f"{name} gave {described(given)} as its results, not numbers by name such as "
            '{"mood": {"accuracy": 0.5}}'
        )
    return {
        key: {
            what: value if what == "resamples" else _plain(name, what, value)
            for what, value in values.items()
        }
        for key, values in given.items()
    }


def _plain(evaluator: str, what: str, value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, Mapping):
        return {name: _plain(evaluator, str(name), inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(evaluator, what, inner) for inner in value]
    if isinstance(value, np.ndarray | np.generic | torch.Tensor):
        return _plain(evaluator, what, value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        raise SslToolboxError(f"{evaluator} gave {value} as {what!r}: leave out what can't be measured")
    return value


def _evaluate(
    evaluator: Evaluator | NetworkEvaluator, data: TaskData, context: Callable[[], EvaluationContext]
) -> Mapping[str, Mapping[str, Any]]:
    if isinstance(evaluator, NetworkEvaluator) and evaluator.needs_network:
        return evaluator.evaluate_network(context())
    assert isinstance(evaluator, Evaluator)
    return evaluator.evaluate(data)
