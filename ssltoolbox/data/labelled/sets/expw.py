"""ExpW (Zhang et al., From Facial Expression Recognition to Interpersonal Relation Prediction, 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field

from ssltoolbox.data.label_options import LabelColumn
from ssltoolbox.data.labelled.sets.base import Form, PublishedOptions, Row, lines

CLASSES = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
"""The classes with the numbers 0 to 6 of the list."""
LINE = (
    r"(?P<name>\S+)\s+\d+\s+(?P<top>\d+)\s+(?P<left>\d+)\s+(?P<right>\d+)\s+(?P<bottom>\d+)\s+\S+\s+"
    r"(?P<expression>[0-6])"
)


def _listed(root: Path, options: ExpWOptions) -> Iterator[Row]:
    for row in lines(root / "label/label.lst", LINE):
        width, height = int(row["right"]) - int(row["left"]), int(row["bottom"]) - int(row["top"])
        box = {"left": row["left"], "top": row["top"], "width": f"{width}", "height": f"{height}"}
        yield {"path": f"image/origin/{row['name']}", "expression": row["expression"], **box}


class ExpWOptions(PublishedOptions):
    """ExpW: faces in web images, cut out by their boxes, with seven expressions. It has no published splits: a
    hash of an image's name decides its split."""

    forms = (Form(("label/label.lst", "image/origin"), _listed),)
    labels: ClassVar = {"expression": LabelColumn(classes=list(CLASSES))}

    root: Path = Field(strict=False)
    """Holds `label/label.lst` with lines `name.jpg face top left right bottom confidence label`, and
    `image/origin/name.jpg`."""
