"""Options of the dataset `labelled`, and its facts without torch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from ssltoolbox.api import DataFacts, Split
from ssltoolbox.data.listed import ListedOptions

if TYPE_CHECKING:
    from ssltoolbox.data.labelled.own.listing import LabelledImages


class LabelledOptions(ListedOptions):
    """Images with labels of your own: a CSV or Parquet table with a row for each image.

    The column `path` is needed. `split` says train, val or test; `identity` who is shown. Each other column is a
    label: a class by name or number, or a number. Empty cells mean none. Without a column `split` the splits go by
    a hash of the identity, or of the path; without rows of val a part of train is val.
    """

    table: Path = Field(strict=False)
    """The table, .csv or .parquet."""

    root: Path | None = Field(default=None, strict=False)
    """The folder that paths are below; null for the table's."""

    labels: dict[str, Literal["class", "number"] | list[str]] = Field(default_factory=dict)
    """What a column holds, where it isn't to be guessed: `class`, `number`, or the classes' names in the order of
    their numbers, such as `{emotion: [happy, sad], age: number}`."""

    size: int = Field(default=128, ge=8, le=1024)
    """Height and width that images are resized to, in pixels."""

    val: float = Field(default=0.1, ge=0, lt=1)
    """Share that is val where the table names no image of val."""

    test: float = Field(default=0.1, ge=0, lt=1)
    """Share that is test where the table has no column split."""

    def listing(self, split: Split) -> LabelledImages:
        """The images of a split.

        Raises:
            DataNotFound: where the table or the root is not there.
            UserError: where the table can't be used: which row and column, and why.
        """
        from ssltoolbox.data.labelled.own.listing import list_labelled

        return self.once("table", lambda: list_labelled(self)).of(split)

    def facts(self, split: Split = "train") -> DataFacts:
        """
        Raises:
            DataNotFound, UserError: see `listing`.
        """
        from ssltoolbox.data.labels import facts_of_labels

        found = self.listing(split)
        count = len(found.paths)
        return DataFacts(
            clips=count,
            identities=len(set(found.identities.tolist())),
            frames=count,
            fps=1.0,
            size=self.size,
            shortest=min(count, 1),
            longest=min(count, 1),
            labels=frozenset(found.labels),
            classes=found.classes,
            label_facts={
                name: facts_of_labels(values, len(found.classes.get(name, ())))
                for name, values in found.labels.items()
            },
            left_out={"repeated row": found.repeated} if found.repeated and split == "train" else {},
        )
