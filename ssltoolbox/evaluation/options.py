"""What a recipe may set of the built-in downstream tasks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from ssltoolbox.api import Options, Problem, Setting

Protocol = Literal["linear", "knn"]


class ProbeOptions(Options):
    """What all tasks on frozen features share."""

    labels: ClassVar[tuple[str, ...]] = ()
    """The labels that the task needs of the data."""

    protocol: Protocol = "linear"
    """`linear` trains a linear model on the features; `knn` lets the nearest training frames vote. The linear
    protocol reports the neighbours' numbers as well."""

    k: tuple[Annotated[int, Field(ge=1)], ...] = Field(default=(5, 20, 100), min_length=1)
    """Numbers of neighbours to try; the val split chooses."""

    def problems(self, setting: Setting) -> Iterable[Problem]:
        known = setting.data.labels if setting.data else frozenset()
        missing = [label for label in self.labels if label not in known]
        if known and missing:
            yield Problem(
                option="",
                message=f"the data has no label {' and no label '.join(map(repr, missing))}",
                hint=f"it has {', '.join(sorted(known))}",
            )


class ExpressionOptions(ProbeOptions):
    """Options of `expression`."""

    labels = ("expression",)

    balanced: bool = True
    """Whether every class weighs the same when the linear model is trained, however rare it is."""


class ValenceArousalOptions(ProbeOptions):
    """Options of `valence_arousal`."""

    labels = ("valence", "arousal")


class IdentityOptions(ProbeOptions):
    """Options of `identity`."""
