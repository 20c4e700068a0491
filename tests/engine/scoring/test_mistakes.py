"""Which mistakes are shown, and whose faces."""

import base64
import io
from typing import Any

import numpy as np
from helpers.data import NumberedFrames
from PIL import Image

from ssltoolbox.api import ClassPredictions
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.scoring.mistakes import MOST_CLIPS, MOST_FACES, SIDE, STRIP, mistakes_of
from ssltoolbox.engine.scoring.tasks import Evaluated


def mistakes(
    true: list[int], predicted: list[int], clip: list[int], frame: list[int]
) -> list[dict[str, Any]]:
    """Of two frames a second, in clips of which two in a row have one identity."""
    predictions = ClassPredictions(np.array(clip), np.array(frame) / 2, np.array(true), np.array(predicted))
    return mistakes_in([predictions], [[30] * 6])


def mistakes_in(predictions: list[ClassPredictions], lengths: list[list[int]]) -> list[dict[str, Any]]:
    """The same with an item for each fold, whose clips have these lengths."""
    confusion = np.zeros((3, 3), int)
    for fold in predictions:
        np.add.at(confusion, (fold.true, fold.predicted), 1)
    result = {"task": "mood", "per_class": dict.fromkeys("abc"), "confusion": confusion.tolist()}
    folds = [{"test": NumberedFrames(clips, interval=0.5)} for clips in lengths]
    task = Task(object(), folds)  # type: ignore[arg-type]
    return mistakes_of(Evaluated({"mood": result}, {}, {"mood": predictions}), {"mood": task})["mood"]


def colours_of(face: dict[str, Any]) -> list[list[int]]:
    """Of each frame; red is the clip, green the frame."""
    with Image.open(io.BytesIO(base64.b64decode(face["jpeg"]))) as picture:
        assert picture.size == (SIDE * face["frames"], SIDE)
        # The colours of a JPEG run over the edges of frames by some pixels.
        frames = np.array(picture).reshape(SIDE, face["frames"], SIDE, 3)[:, :, 16:-16]
    return frames.mean(axis=(0, 2)).round().astype(int).tolist()


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
    assert np.abs(np.subtract(colours_of(face), [[5, 20, 0]])).max() <= 3


def test_everybody_is_shown_before_anybody_is_shown_again() -> None:
    count = MOST_FACES + 3
    (found,) = mistakes([0] * count, [1] * count, clip=[0] * (count - 2) + [2, 4], frame=list(range(count)))
    assert [face["identity"] for face in found["faces"]] == [0, 1, 2, *[0] * (MOST_FACES - 3)]


def test_a_clip_is_a_strip_of_its_frames() -> None:
    predictions = ClassPredictions(np.array([3, 5]), None, np.array([0, 0]), np.array([1, 0]))
    (found,) = mistakes_in([predictions], [[30, 30, 30, 100, 30, 30]])
    (face,) = found["faces"]
    frames = colours_of(face)
    assert len(frames) == STRIP
    assert np.abs(np.subtract(frames, [[3, 10 + 20 * number, 0] for number in range(STRIP)])).max() <= 3


def test_a_short_clip_has_a_short_strip() -> None:
    predictions = ClassPredictions(np.array([1]), None, np.array([0]), np.array([1]))
    (found,) = mistakes_in([predictions], [[30, 2]])
    assert [face["frames"] for face in found["faces"]] == [2]


def test_fewer_clips_are_shown_than_faces() -> None:
    count = MOST_CLIPS + 1
    predictions = ClassPredictions(
        np.arange(count), None, np.zeros(count, np.int64), np.ones(count, np.int64)
    )
    (found,) = mistakes_in([predictions], [[4] * count])
    assert (found["count"], len(found["faces"])) == (count, MOST_CLIPS)


def test_samples_of_folds_come_from_their_own_test_splits() -> None:
    first = ClassPredictions(np.array([4]), np.array([1.0]), np.array([0]), np.array([1]))
    second = ClassPredictions(np.array([0, 1]), np.array([3.0, 5.0]), np.array([0, 2]), np.array([1, 2]))
    (found,) = mistakes_in([first, second], [[9] * 6, [40] * 2])
    assert (found["count"], found["of"]) == (2, 2)
    shown = sorted(colours_of(face)[0] for face in found["faces"])
    assert np.abs(np.subtract(shown, [[0, 6, 0], [4, 2, 0]])).max() <= 3
