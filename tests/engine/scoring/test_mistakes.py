"""Which mistakes are shown, and whose faces."""

import base64
import io
from typing import Any

import numpy as np
from helpers.data import NumberedFrames
from PIL import Image

from ssltoolbox.api import ClassPredictions
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.scoring.mistakes import MOST_FACES, mistakes_of
from ssltoolbox.engine.scoring.tasks import Evaluated


def mistakes(
    true: list[int], predicted: list[int], clip: list[int], frame: list[int]
) -> list[dict[str, Any]]:
    """Of two frames a second, in clips of which two in a row have one identity."""
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (true, predicted), 1)
    result = {"task": "mood", "per_class": dict.fromkeys("abc"), "confusion": confusion.tolist()}
    predictions = ClassPredictions(np.array(clip), np.array(frame) / 2, np.array(true), np.array(predicted))
    task = Task(object(), [{"test": NumberedFrames([30] * 6, interval=0.5)}])  # type: ignore[arg-type]
    return mistakes_of(Evaluated({"mood": result}, {}, {"mood": predictions}), {"mood": task})["mood"]


def colour_of(face: dict[str, Any]) -> list[int]:
    """Red is the clip, green the frame."""
    with Image.open(io.BytesIO(base64.b64decode(face["jpeg"]))) as picture:
        return np.array(picture).mean(axis=(0, 1)).round().astype(int).tolist()


def test_the_most_frequent_mistake_comes_first() -> None:
    found = mistakes([0, 0, 1, 1, 1, 2], [0, 1, 2, 2, 1, 2], clip=[0] * 6, frame=[0] * 6)
    assert [(it["true"], it["predicted"], it["count"], it["of"]) for it in found] == [
        ("b", "c", 2, 3),
        ("a", "b", 1, 2),
    ]


def test_faces_are_those_of_the_mistake() -> None:
    (found,) = mistakes([0, 0, 1], [0, 1, 1], clip=[1, 5, 3], frame=[2, 20, 7])
    (face,) = found["faces"]
    assert face["identity"] == 2
    assert np.abs(np.subtract(colour_of(face), [5, 20, 0])).max() <= 3


def test_everybody_is_shown_before_anybody_is_shown_again() -> None:
    count = MOST_FACES + 3
    (found,) = mistakes([0] * count, [1] * count, clip=[0] * (count - 2) + [2, 4], frame=list(range(count)))
    assert [face["identity"] for face in found["faces"]] == [0, 1, 2, *[0] * (MOST_FACES - 3)]
