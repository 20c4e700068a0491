"""The most frequent mistakes of tasks with classes, with faces, as the content of `mistakes.json`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image

from ssltoolbox.api import ClassPredictions, Dataset
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import spread
from ssltoolbox.engine.core.thumbnails import as_jpeg, thumbnails
from ssltoolbox.engine.scoring.tasks import Evaluated

MOST_MISTAKES = 6
"""Pairs of a true and a predicted class that are shown of a result."""
MOST_FACES = 6
"""Faces of each, if frames were predicted."""
MOST_CLIPS = 3
"""Strips of each, if clips were predicted."""
STRIP = 5
"""The most frames of a strip."""
SIDE = 64
"""Pixels of a face."""
QUALITY = 85


@dataclass(frozen=True, eq=False)
class _Sample:
    """A frame that was predicted, or a whole clip.

    Attributes:
        dataset: the test split of the fold that it belongs to.
        clip: its number there.
        time: seconds within the clip; None for the whole clip.
    """

    dataset: Dataset
    clip: int
    time: float | None

    @property
    def identity(self) -> int:
        return self.dataset.clip(self.clip).identity

    def picture(self) -> Image.Image:
        """The face; of a clip, a strip of faces from its start to its end."""
        times = self.dataset.clip(self.clip).times
        shown = times[spread([len(times)], STRIP)[1]] if self.time is None else np.array([self.time])
        faces = thumbnails(self.dataset, np.full(len(shown), self.clip), shown, SIDE)
        strip = Image.new("RGB", (SIDE * len(shown), SIDE))
        for position, face in enumerate(faces):
            strip.paste(face, (SIDE * position, 0))
        return strip


def mistakes_of(found: Evaluated, tasks: Mapping[str, Task]) -> dict[str, list[dict[str, Any]]]:
    """Key of a result → its mistakes, the most frequent one first; results without predictions are left out.

    A mistake has `true` and `predicted`, names of classes; `count`, how many of the `of` samples of the true
    class; and `faces`, each with `identity`, `frames` and a JPEG in base64, `jpeg`. The JPEG shows so many frames
    side by side; more than one show a clip. The samples of several folds are shown together.
    """
    mistakes = {}
    for key, predictions in found.predictions.items():
        numbers = found.results[key]
        if {"confusion", "per_class"} <= numbers.keys():
            datasets = [fold["test"] for fold in tasks[numbers["task"]].folds]
            mistakes[key] = list(_mistakes(numbers, predictions, datasets))
    return mistakes


def _mistakes(
    numbers: Mapping[str, Any], predictions: Sequence[ClassPredictions], datasets: Sequence[Dataset]
) -> Iterator[dict[str, Any]]:
    names, counts = list(numbers["per_class"]), np.array(numbers["confusion"])
    wrong = counts * (1 - np.eye(len(counts), dtype=int))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_MISTAKES]
    for true, predicted in zip(*np.unravel_index(order, wrong.shape), strict=True):
        if wrong[true, predicted]:
            samples = [
                sample
                for fold, dataset in zip(predictions, datasets, strict=True)
                for sample in _samples(fold, (fold.true == true) & (fold.predicted == predicted), dataset)
            ]
            yield {
                "true": names[true],
                "predicted": names[predicted],
                "count": int(wrong[true, predicted]),
                "of": int(counts[true].sum()),
                "faces": list(_faces(samples)),
            }


def _samples(predictions: ClassPredictions, where: np.ndarray, dataset: Dataset) -> Iterator[_Sample]:
    """Those for which `where` [n] is True."""
    for row in np.flatnonzero(where).tolist():
        time = None if predictions.time is None else float(predictions.time[row])
        yield _Sample(dataset, int(predictions.clip[row]), time)


def _faces(samples: Sequence[_Sample]) -> Iterator[dict[str, Any]]:
    """Of as many people as possible."""
    most = MOST_CLIPS if any(sample.time is None for sample in samples) else MOST_FACES
    identity = np.array([sample.identity for sample in samples], np.int64)
    for position in _each_person_first(identity)[:most].tolist():
        picture = samples[position].picture()
        yield {
            "identity": int(identity[position]),
            "frames": picture.width // SIDE,
            "jpeg": base64.b64encode(as_jpeg(picture, QUALITY)).decode(),
        }


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
