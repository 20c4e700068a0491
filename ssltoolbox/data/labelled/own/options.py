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
    """Images, or clips of frames, with labels of your own: a table, or folders.

    A table has a row for each image, or for each folder of frames. Its column `path` is needed; `split` says
    train, val or test, `identity` who is shown, `clip` and `time` (seconds) or `frame` (a number) what belongs
    together, `fold` the fold, and `left`, `top`, `width`, `height` where the face is. Each other column is a
    label: a class by name or number, or a number. Empty cells mean none.
    """

    table: Path | None = Field(default=None, strict=False)
    """The table, .csv or .parquet; null for folders `root/split/class/…` or `root/class/…`."""

    root: Path | None = Field(default=None, strict=False)
    """The folder that paths are below; null for the table's."""

    labels: dict[str, WrittenLabel] = Field(default_factory=dict)
    """What a label is, where it isn't to be guessed: `class`, `number`, the classes' names in the order of their
    numbers, or more, such as `{emotion: [happy, sad], age: number, aus: {columns: [au1, au2]}}`."""

    label: str = "expression"
    """What the label is called whose classes are folders."""

    pattern: str = ""
    """A regular expression on paths with the groups `identity`, `clip` or `split`, for what the table or
    the folders do not say: `(?P<identity>p[0-9]+)_` takes the person from `p12_003.jpg`."""

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
