"""Linear models fitted to labels: what they predict, and the heads that they are."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ssltoolbox.api import Head, HeadOutput
from ssltoolbox.tasks.linear import LinearModel, fit_logistic, fit_ridge
from ssltoolbox.tasks.samples import Samples

CERTAIN = 20.0
"""The logit of the one answer that was seen."""


class Fitted(Protocol):
    """A model that was fitted to the labels of samples."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Features [n, D] → predictions, shaped as the targets that it was fitted to."""
        ...

    def head(self, label: str, names: Sequence[str]) -> Head:
        """The model as a head.

        Args:
            label: what it predicts.
            names: of all classes or columns of the label; unused for a number.
        """
        ...


Fit = Callable[[Samples, Sequence[float]], Mapping[float, Fitted]]
"""Training samples and regularisers → a model for each regulariser."""


@dataclass(frozen=True, eq=False)
class ClassModel:
    """Tells classes apart.

    Attributes:
        classes: [C] the numbers of the classes that it was fitted to.
        linear: features → a logit for each of them.
    """

    classes: np.ndarray
    linear: LinearModel

    def __call__(self, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.classes[self.linear(values).argmax(axis=1)]
        return found

    def head(self, label: str, names: Sequence[str]) -> Head:
        own = tuple(names[number] for number in self.classes)
        return Head((HeadOutput(label, "classes", own),), (_layer(self.linear.weight, self.linear.bias),))


@dataclass(frozen=True, eq=False)
class NumberModel:
    """Predicts a number."""

    linear: LinearModel

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return self.linear(values)[:, 0]

    def head(self, label: str, names: Sequence[str]) -> Head:
        return Head((HeadOutput(label, "number"),), (_layer(self.linear.weight, self.linear.bias),))


@dataclass(frozen=True, eq=False)
class ColumnsModel:
    """Says yes or no, for each of several columns.

    Attributes:
        linear: features → the logit of yes for each column.
    """

    linear: LinearModel

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return (self.linear(values) > 0).astype(np.int64)

    def head(self, label: str, names: Sequence[str]) -> Head:
        output = HeadOutput(label, "yes_no", tuple(names))
        return Head((output,), (_layer(self.linear.weight, self.linear.bias),))


def fit_classes(train: Samples, regularisers: Sequence[float], *, balanced: bool) -> dict[float, ClassModel]:
    """Multinomial logistic regressions; `train` has at least two classes.

    `balanced` gives every class the same weight, however rare it is.
    """
    classes, targets, counts = np.unique(train.targets, return_inverse=True, return_counts=True)
    weight = len(train) / (len(classes) * counts) if balanced else np.ones(len(classes))
    models = fit_logistic(train.values, targets, weight[targets], regularisers)
    return {each: ClassModel(classes, model) for each, model in zip(regularisers, models, strict=True)}


def fit_numbers(train: Samples, regularisers: Sequence[float]) -> dict[float, NumberModel]:
    """Ridge regressions."""
    models = fit_ridge(train.values, train.targets, regularisers)
    return {each: NumberModel(model) for each, model in zip(regularisers, models, strict=True)}


def fit_columns(
    train: Samples, regularisers: Sequence[float], *, balanced: bool
) -> dict[float, ColumnsModel]:
    """A logistic regression for each column [n, C], 1 for yes, 0 for no, -1 for unknown.

    A column of one answer gives that answer; one that is unknown everywhere says no.
    """
    columns = [_fit_column(train, column, regularisers, balanced) for column in range(train.targets.shape[1])]
    return {each: ColumnsModel(_side_by_side([found[each] for found in columns])) for each in regularisers}


def joined(heads: Sequence[Head]) -> Head:
    """One head of several that have one layer each and see the same features."""
    outputs = tuple(output for head in heads for output in head.outputs)
    weights, biases = zip(*(layer for head in heads for layer in head.layers), strict=True)
    return Head(outputs, ((np.concatenate(weights), np.concatenate(biases)),))


def _fit_column(
    train: Samples, column: int, regularisers: Sequence[float], balanced: bool
) -> dict[float, LinearModel]:
    """Features → the logit of yes [n, 1]."""
    targets = train.targets[:, column]
    known = targets >= 0
    answers = np.unique(targets[known])
    if len(answers) < 2:
        logit = CERTAIN if answers.any() else -CERTAIN
        constant = LinearModel(np.zeros((train.values.shape[1], 1)), np.array([logit]))
        return dict.fromkeys(regularisers, constant)
    own = Samples(train.values[known], targets[known], train.identity[known])
    return {
        each: LinearModel(np.diff(model.linear.weight, axis=1), np.diff(model.linear.bias))
        for each, model in fit_classes(own, regularisers, balanced=balanced).items()
    }


def _side_by_side(models: Sequence[LinearModel]) -> LinearModel:
    weight = np.concatenate([model.weight for model in models], axis=1)
    return LinearModel(weight, np.concatenate([model.bias for model in models]))


def _layer(weight: np.ndarray, bias: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """[D, C] and [C] float64 → [C, D] and [C] float32."""
    return np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32)
