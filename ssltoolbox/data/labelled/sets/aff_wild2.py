"""Aff-Wild2 (Kollias and Zafeiriou, Expression, Affect, Action Unit Recognition: Aff-Wild2, 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import (
    Form,
    PublishedOptions,
    Row,
    cells,
    first_of,
    frames_by_number,
    line_of,
)

CLASSES = ("neutral", "anger", "disgust", "fear", "happiness", "sadness", "surprise", "other")
"""The classes with the numbers 0 to 7 of the text files."""
UNITS = [f"AU{number}" for number in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26)]
FOLDERS = {"expression": "EXPR", "valence_arousal": "VA", "action_units": "AU"}
COLUMNS = {"expression": ["expression"], "valence_arousal": ["valence", "arousal"], "action_units": UNITS}
SETS = {"Train_Set": "train", "Validation_Set": "test"}
"""Folder → split. The labels of the test set are not published, so the validation set is `test`; `val` is taken
from `train`."""
UNKNOWN = -5.0
"""The value of valence and arousal that means no label."""


def _videos(root: Path, options: AffWild2Options) -> Iterator[Row]:
    images = first_of(root, "cropped_aligned", "cropped_aligned_images", "cropped")
    columns, start = COLUMNS[options.challenge], FOLDERS[options.challenge]
    for folder, split in SETS.items():
        for file in sorted(
            (*root.glob(f"{start}_*/{folder}/*.txt"), *root.glob(f"*/{start}_*/{folder}/*.txt"))
        ):
            found = frames_by_number(root, f"{images}/{file.stem}")
            person = re.sub(r"_(left|right)$", "", file.stem)
            for frame, (line, row) in enumerate(islice(cells(file), 1, None), start=1):
                if frame not in found:
                    continue
                with line_of(file, line):
                    known = row if float(row[0]) != UNKNOWN else [""] * len(row)
                    labels = dict(zip(columns, known, strict=True))
                where = {"identity": person, "clip": file.stem, "split": split, "frame": f"{frame}"}
                yield {"path": found[frame], **where, **labels}


class AffWild2Options(PublishedOptions):
    """Aff-Wild2: frames of videos with one of three kinds of labels. The published validation set is the test
    split, and a part of the training videos is the val split."""

    forms = (Form(("cropped*", "*/*/Train_Set"), _videos), Form(("cropped*", "*/Train_Set"), _videos))
    labels: ClassVar = {
        "expression": LabelColumn(classes=list(CLASSES)),
        "valence": LabelColumn(kind="number"),
        "arousal": LabelColumn(kind="number"),
        "aus": LabelColumn(columns=UNITS),
    }

    root: Path = Field(strict=False)
    """Holds `cropped_aligned/<video>/00001.jpg` and, in itself or in a folder, `EXPR_…/Train_Set/<video>.txt` and
    `Validation_Set`, with a line for each frame after the first line; likewise `VA_…` and `AU_…`."""

    challenge: Literal["expression", "valence_arousal", "action_units"] = "expression"
    """The labels to read: `expression` (8 classes), `valence` and `arousal`, or 12 action units as the label
    `aus`."""
