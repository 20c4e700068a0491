"""What a recipe may say of a label column."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ssltoolbox.api import OptionError, Options


class LabelColumn(Options):
    """What a label is, where it isn't to be guessed."""

    kind: Literal["class", "number", "binary"] | None = None
    """`class`, `number`, or `binary` for yes and no in each of several columns; null to follow from the rest."""

    classes: list[str] | dict[str | int, str] = Field(default_factory=list)
    """The names of the classes in the order of their numbers; or a mapping from what the cells say to the names,
    such as `{0: neutral, 1: happy}`."""

    columns: list[str] = Field(default_factory=list)
    """The columns that hold the label: one, or several binary ones that make one label, such as action units.
    Empty: the column of the label's name."""

    at_least: float = 1.0
    """From this number on a binary cell means yes; raise it for intensities."""

    missing: list[str] = Field(default_factory=list)
    """What cells say, besides being empty, where there is no label."""

    @model_validator(mode="after")
    def _one_meaning(self) -> LabelColumn:
        if self.classes and self.kind in ("number", "binary"):
            raise OptionError(f"a {self.kind} has no classes", options=("classes",))
        if len(self.columns) > 1 and self.kind == "class":
            raise OptionError("several columns hold no classes", options=("kind", "columns"))
        return self

    @property
    def is_binary(self) -> bool:
        """True for a label of yes and no in each of its columns."""
        return self.kind == "binary" or (self.kind is None and len(self.columns) > 1)


WrittenLabel = Literal["class", "number"] | list[str] | LabelColumn
"""What a recipe may say of a label: its kind, the names of its classes, or more."""


def as_options(written: WrittenLabel) -> LabelColumn:
    """What is written of a label, in full."""
    if isinstance(written, LabelColumn):
        return written
    return LabelColumn(kind=written) if isinstance(written, str) else LabelColumn(classes=written)
