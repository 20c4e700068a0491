"""The most frequent mistakes of tasks with classes, with faces, as the content of `mistakes.json`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ssltoolbox.api import ClassPredictions, Dataset
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.thumbnails import as_jpeg, thumbnails
from ssltoolbox.engine.scoring.tasks import Evaluated

MOST_MISTAKES = 6
"""Pairs of a true and a predicted class that are shown of a result."""
MOST_FACES = 6
"""Faces of each."""
SIDE = 64
"""Pixels of a face."""
QUALITY = 85


def mistakes_of(found: Evaluated, tasks: Mapping[str, Task]) -> dict[str, list[dict[str, Any]]]:
    """Key of a result → its mistakes, the most frequent one first; results without predictions are left out.

    A mistake has `true` and `predicted`, names of classes; `count`, how many of the `of` samples of the true
    class; and `faces`, each with `identity` and a JPEG in base64, `jpeg`.
    """
    mistakes = {}
    for key, predictions in found.predictions.items():
        numbers = found.results[key]
        if {"confusion", "per_class"} <= numbers.keys():
            dataset = tasks[numbers["task"]].folds[0]["test"]
            mistakes[key] = list(_mistakes(numbers, predictions, dataset))
    return mistakes


def _mistakes(
    numbers: Mapping[str, Any], predictions: ClassPredictions, dataset: Dataset
) -> Iterator[dict[str, Any]]:
    names, counts = list(numbers["per_class"]), np.array(numbers["confusion"])
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]
    for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if wrong[true, predicted]:
            rows = np.flatnonzero((predictions.true == true) & (predictions.predicted == predicted))
            yield {
                "true": names[true],
                "predicted": names[predicted],
                "count": int(wrong[true, predicted]),
                "of": int(counts[true].sum()),
                "faces": list(_faces(predictions, rows, dataset)),
            }


def _faces(predictions: ClassPredictions, rows: np.ndarray, dataset: Dataset) -> Iterator[dict[str, Any]]:
    """Of as many people as possible."""
    identity = np.array([dataset.clip(clip).identity for clip in predictions.clip[rows].tolist()], np.int64)
    chosen = _each_person_first(identity)[:MOST_FACES]
    clip, time = (values[rows[chosen]] for values in (predictions.clip, predictions.time))
    for person, picture in zip(identity[chosen], thumbnails(dataset, clip, time, SIDE), strict=True):
        yield {"identity": int(person), "jpeg": base64.b64encode(as_jpeg(picture, QUALITY)).decode()}


def _each_person_first(identity: np.ndarray) -> np.ndarray:
    """The order of rows [n] in which everybody comes once before anybody comes a second time.

    >>> _each_person_first(np.array([7, 7, 7, 3, 3])).tolist()
    [0, 3, 1, 4, 2]
    """
    order = np.argsort(identity, kind="stable")
    _, starts, counts = np.unique(identity[order], return_index=True, return_counts=True)
    earlier = np.empty(len(identity), np.int64)
    earlier[order] = np.arange(len(identity)) - np.repeat(starts, counts)
    return np.argsort(earlier, kind="stable")
