"""RAF-DB, its basic emotions (Li, Deng and Du, Reliable Crowdsourcing and Deep Locality-Preserving Learning)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import Form, PublishedOptions, Row, files, lines

CLASSES = ("surprise", "fear", "disgust", "happiness", "sadness", "anger", "neutral")
"""The classes with the numbers 1 to 7 of the list."""
LIST = "EmoLabel/list_patition_label.txt"


def _listed(root: Path, options: RAFDBOptions) -> Iterator[Row]:
    ending = "_aligned" if options.crop == "aligned" else ""
    for row in lines(root / LIST, r"(?P<name>(?P<split>train|test)_\d+)\.jpg\s+(?P<expression>[1-7])"):
        yield row | {"path": f"Image/{options.crop}/{row['name']}{ending}.jpg"}


def _folders(root: Path, options: RAFDBOptions) -> Iterator[Row]:
    yield from files(root, "*/*/*.*", r"(?P<split>train|test)/(?P<expression>[^/]+)/[^/]+\.(jpg|png)")


class RAFDBOptions(PublishedOptions):
    """RAF-DB: single images with seven expressions. A part of the published training set is the val split."""

    inner = ("basic", "DATASET")
    forms = (Form((LIST, "Image"), _listed), Form(("train/*/*", "test/*/*"), _folders))
    labels: ClassVar = {
        "expression": LabelColumn(
            classes={
                **{str(number): name for number, name in enumerate(CLASSES, start=1)},
                **{name: name for name in CLASSES},
                "happy": "happiness", "sad": "sadness", "angry": "anger",
            }
        )
    }  # fmt: skip

    root: Path = Field(strict=False)
    """Holds, in itself or in `basic`, `EmoLabel/list_patition_label.txt` with lines `train_00001.jpg 5` and
    `Image/aligned/train_00001_aligned.jpg` or `Image/original/train_00001.jpg`; or folders `train/<class>/` and
    `test/<class>/`, where a class is a number from 1 to 7 or a name."""

    crop: Literal["aligned", "original"] = "aligned"
    """The folder of `Image` whose images are read, in the layout with a list."""

    size: int = Field(default=100, ge=8, le=1024)
    """Height and width that images are resized to, in pixels; those published as aligned have 100."""
