"""CK+ (Lucey et al., The Extended Cohn-Kanade Dataset, 2010): its sequences, or the set of 48 × 48 pixels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import Form, PublishedOptions, Row, files, frames_by_number, lines

CLASSES = ("neutral", "anger", "contempt", "disgust", "fear", "happy", "sadness", "surprise")
"""The classes with the numbers 0 to 7 of the emotion files."""
IMAGES = "cohn-kanade-images"
PEAK = 3
"""The number of frames at the end of a sequence that have its emotion. The first frame is neutral, and the others
have no label."""


def _sequences(root: Path, options: CKPlusOptions) -> Iterator[Row]:
    for folder in sorted((root / IMAGES).glob("S*/*/")):
        person, number = folder.parent.name, folder.name
        found = sorted(frames_by_number(root, f"{IMAGES}/{person}/{number}").items())
        file = next((root / "Emotion" / person / number).glob("*_emotion.txt"), None)
        emotion = next(lines(file, r"(?P<code>[0-7])(\.0*(e\+00)?)?"), None) if file else None
        for position, (frame, path) in enumerate(found):
            label = ""
            if emotion and position >= len(found) - PEAK:
                label = emotion["code"]
            elif emotion and position == 0:
                label = "0"
            yield {"path": path, "identity": person, "clip": number, "frame": f"{frame}", "expression": label}


def _small(root: Path, options: CKPlusOptions) -> Iterator[Row]:
    yield from files(root, "*/*.png", r"(?P<expression>[a-z]+)/(?P<identity>S\d+)_\d+_\d+\.png")


class CKPlusOptions(PublishedOptions):
    """CK+: 123 people's sequences from a neutral face to the peak of an emotion, measured on folds of people."""

    inner = ("CK+48",)
    forms = (Form((IMAGES, "Emotion"), _sequences), Form(("anger/S*.png", "surprise/S*.png"), _small))
    labels: ClassVar = {"expression": LabelColumn(classes=list(CLASSES))}

    root: Path = Field(strict=False)
    """Holds `cohn-kanade-images/S005/001/S005_001_00000001.png` and `Emotion/S005/001/…_emotion.txt`; or, in
    itself or in `CK+48`, folders `anger`, `contempt`, … with `S010_004_00000017.png`."""

    fold: int | Literal["all"] | None = "all"
    """The fold of people that is the test split, from 1; `all` measures tasks on each fold and gives the mean."""

    folds: int | None = Field(default=10, ge=2)
    """The number of folds that the people are divided into."""
