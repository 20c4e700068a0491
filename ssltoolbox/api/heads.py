"""What a task returns besides numbers: its head, which predicts labels from features, and its predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import numpy as np
    from torch import nn

OutputKind = Literal["classes", "number", "yes_no"]


@dataclass(frozen=True)
class HeadOutput:
    """A label that a head predicts.

    Attributes:
        label: its name.
        kind: `classes` for a logit for each class, `number` for the number itself, `yes_no` for a logit for each
            column.
        names: names of the classes or columns; empty for a number.

    Examples:
        >>> HeadOutput("expression", "classes", ("calm", "happy")).columns
        ('expression_calm', 'expression_happy')
        >>> HeadOutput("valence", "number").columns
        ('valence',)
    """

    label: str
    kind: OutputKind
    names: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its predictions, one for each output of the head."""
        if self.kind == "number":
            return (self.label,)
        return tuple(f"{self.label}_{name}" for name in self.names)


@dataclass(frozen=True, eq=False)
class Head:
    """Linear layers with ReLU in between, from features [B, D] to outputs [B, C].

    A task returns it in `TaskResults`. `ssltoolbox evaluate` saves it in the run folder, and `ssltoolbox predict`
    uses it.

    Attributes:
        outputs: what the C outputs are, in order.
        layers: weight [out, in] and bias [out] of each layer.
        backbone: the network that was trained together with the head; None if the backbone was frozen.
    """

    outputs: tuple[HeadOutput, ...]
    layers: tuple[tuple[np.ndarray, np.ndarray], ...]
    backbone: nn.Module | None = None


@dataclass(frozen=True, eq=False)
class ClassPredictions:
    """The classes that a task predicted for n frames, or n whole clips, of the test split.

    Attributes:
        clip: [n] clip numbers.
        time: [n] seconds within the clip; None for whole clips.
        true: [n] classes, numbered as the rows of the result's `confusion`.
        predicted: [n] classes that the task predicted, numbered in the same way.
    """

    clip: np.ndarray
    time: np.ndarray | None
    true: np.ndarray
    predicted: np.ndarray


class TaskResults(dict[str, Mapping[str, Any]]):
    """Results of a task, as `Evaluator.evaluate` returns them, with the head and the predictions.

    Attributes:
        head: the head that the task has fitted; None if there is none.
        predictions: key of a result with `confusion` → the prediction for each frame or clip. The report shows
            faces of the most frequent mistakes.

    Examples:
        >>> output = HeadOutput("smile", "number")
        >>> results = TaskResults({"smile": {"ccc": 0.5}}, Head((output,), layers=()))
        >>> results["smile"], results.head.outputs[0].label
        ({'ccc': 0.5}, 'smile')
    """

    def __init__(
        self,
        results: Mapping[str, Mapping[str, Any]],
        head: Head | None = None,
        predictions: Mapping[str, ClassPredictions] | None = None,
    ) -> None:
        super().__init__(results)
        self.head = head
        self.predictions = predictions or {}
