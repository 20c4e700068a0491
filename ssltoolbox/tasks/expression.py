"""The task `expression`: which expression does a face show, of the classes that the data has?"""

from __future__ import annotations

from ssltoolbox.api import EXPRESSIONS
from ssltoolbox.tasks.classification import ClassTask
from ssltoolbox.tasks.options import ExpressionOptions


class Expression(ClassTask):
    """The classes of the label `expression`: those that the data names, else `EXPRESSIONS`."""

    task = "expression"

    def __init__(self, options: ExpressionOptions) -> None:
        self.options = options

    def _names(self, count: int) -> tuple[str, ...]:
        return EXPRESSIONS
