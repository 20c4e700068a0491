"""Options of the dataset `labelled`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from ssltoolbox.api import OptionError
from ssltoolbox.data.label_options import WrittenLabel
from ssltoolbox.data.labelled.base import LabelledImagesOptions

if TYPE_CHECKING:
    from ssltoolbox.data.labelled.images import LabelledImages


class LabelledOptions(LabelledImagesOptions):
    """Images, or clips of frames, with your own labels: a table, or folders.

    A table has a row for each image, or for each folder of frames. It must have the column `path`. It may have
    `split` (train, val or test), `identity` (the person), `clip` with `time` (in seconds) or `frame` (a number)
    for frames of one clip, `fold`, and `left`, `top`, `width` and `height` (the box of the face, in pixels).
    Each other column is a label: a class by name or number, or a number. An empty cell means no label.
    """

    table: Path | None = Field(default=None, strict=False, examples=["faces.csv"])
    """The table, a .csv or .parquet file; null for images in folders `root/split/class/…` or `root/class/…`."""

    root: Path | None = Field(default=None, strict=False)
    """The folder that the paths of the table are relative to; null for the folder of the table."""

    labels: dict[str, WrittenLabel] = Field(default_factory=dict)
    """Types of labels, where the cells do not make them clear. A type is `class`, `number`, the names of the
    classes in the order of their numbers, or a mapping of options, such as
    `{mood: [happy, sad], age: number, aus: {columns: [au1, au2]}}`."""

    label: str = "expression"
    """The name of the label if folders are its classes."""

    pattern: str = ""
    """A regular expression that finds `identity`, `clip` or `split` in a path if neither the table nor the folders
    give them: `(?P<identity>p[0-9]+)_` takes the person from `p12_003.jpg`."""

    @model_validator(mode="after")
    def _has_a_source(self) -> Self:
        if self.table is None and self.root is None:
            raise OptionError("give table, a CSV or Parquet file, or root, a folder of classes")
        try:
            groups = re.compile(self.pattern).groupindex
        except re.error as error:
            raise OptionError(f"pattern: {error}", options=("pattern",)) from error
        if self.pattern and not set(groups) & {"identity", "clip", "split"}:
            raise OptionError(
                "pattern names no group: write (?P<identity>…), (?P<clip>…) or (?P<split>…)",
                options=("pattern",),
            )
        return self

    def list_images(self) -> LabelledImages:
        from ssltoolbox.data.labelled.own.listing import list_labelled

        return list_labelled(self)
