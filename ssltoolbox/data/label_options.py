"""How a recipe describes a label of the user's own data."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ssltoolbox.api import OptionError, Options


class LabelColumn(Options):
    """Describes a label: its kind, classes and columns. What is not given follows from the cells."""

    kind: Literal["class", "number", "binary"] | None = None
    """`class`, `number`, or `binary` for yes or no in each of its columns; null to take it from the other options
    and the cells."""

    classes: list[str] | dict[str | int, str] = Field(default_factory=list)
    """The names of the classes in the order of their numbers; or a mapping from the text of a cell to the name,
    such as `{0: neutral, 1: happy}`."""

    columns: list[str] = Field(default_factory=list)
    """The columns that hold the label: one column, or several binary ones for a label such as action units. Empty
    for the column with the label's name."""

    at_least: float = 1.0
    """The smallest number in a binary cell that means yes. Raise it for intensities."""

    missing: list[str] = Field(default_factory=list)
    """Texts of a cell that mean no label, in addition to an empty cell."""

    @model_validator(mode="after")
    def _one_meaning(self) -> LabelColumn:
        if self.classes and self.kind in ("number", "binary"):
            raise OptionError(f"a {self.kind} has no classes", options=("classes",))
        if len(self.columns) > 1 and self.kind == "class":
            raise OptionError("several columns hold no classes", options=("kind", "columns"))
        return self

    @property
    def is_binary(self) -> bool:
        """True for a label that is yes or no in each of its columns."""
        return self.kind == "binary" or (self.kind is None and len(self.columns) > 1)


WrittenLabel = Literal["class", "number"] | list[str] | LabelColumn
"""A label in a recipe: its kind, the names of its classes, or a full description."""


def as_options(written: WrittenLabel) -> LabelColumn:
    """The full description of a label, from its form in a recipe."""
    if isinstance(written, LabelColumn):
        return written
    return LabelColumn(kind=written) if isinstance(written, str) else LabelColumn(classes=written)
