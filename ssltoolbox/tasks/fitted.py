"""Linear models fitted to labels: what they predict, and the heads that they are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ssltoolbox.api import Head, HeadOutput
from ssltoolbox.tasks.linear import LinearModel, fit_logistic, fit_ridge
from ssltoolbox.tasks.samples import Samples

CERTAIN = 20.0
"""The logit of the one answer that was seen."""


@dataclass(frozen=True, eq=False)
class Fitted(ABC):
    """A linear model that was fitted to the labels of samples.

    Attributes:
        linear: features → its outputs.
    """

    linear: LinearModel

    @abstractmethod
    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Features [n, D] → predictions, shaped as the targets that it was fitted to."""

    @abstractmethod
    def output(self, label: str, names: Sequence[str]) -> HeadOutput:
        """What its outputs mean; see `head`."""

    def head(self, label: str, names: Sequence[str]) -> Head:
        """The model as a head.

        Args:
            label: the label that it predicts.
            names: names of all classes or columns of the label; unused for a number.
        """
        # [D, C] float64 → [C, D] float32
        weight = np.ascontiguousarray(self.linear.weight.T, np.float32)
        return Head((self.output(label, names),), ((weight, self.linear.bias.astype(np.float32)),))


Fit = Callable[[Samples, Sequence[float]], Mapping[float, Fitted]]
"""Training samples and regularisers → a model for each regulariser."""


@dataclass(frozen=True, eq=False)
class ClassModel(Fitted):
    """Predicts classes by a logit for each.

    Attributes:
        classes: [C] the numbers of the classes that it was fitted to.
    """

    classes: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        found: np.ndarray = self.classes[self.linear(values).argmax(axis=1)]
        return found

    def output(self, label: str, names: Sequence[str]) -> HeadOutput:
        return HeadOutput(label, "classes", tuple(names[number] for number in self.classes))


class NumberModel(Fitted):
    """Predicts a number."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return self.linear(values)[:, 0]

    def output(self, label: str, names: Sequence[str]) -> HeadOutput:
        return HeadOutput(label, "number")


class ColumnsModel(Fitted):
    """Predicts yes or no for each of several columns, by the logit of yes."""

    def __call__(self, values: np.ndarray) -> np.ndarray:
        return (self.linear(values) > 0).astype(np.int64)

    def output(self, label: str, names: Sequence[str]) -> HeadOutput:
        return HeadOutput(label, "yes_no", tuple(names))


def fit_classes(train: Samples, regularisers: Sequence[float], *, balanced: bool) -> dict[float, ClassModel]:
    """Multinomial logistic regressions; `train` has at least two classes.

    `balanced` gives every class the same weight, however rare it is.
    """
    classes, targets, counts = np.unique(train.targets, return_inverse=True, return_counts=True)
    weight = len(train) / (len(classes) * counts) if balanced else np.ones(len(classes))
    models = fit_logistic(train.values, targets, weight[targets], regularisers)
    return {each: ClassModel(model, classes) for each, model in zip(regularisers, models, strict=True)}


def fit_numbers(train: Samples, regularisers: Sequence[float]) -> dict[float, NumberModel]:
    """Ridge regressions."""
    models = fit_ridge(train.values, train.targets, regularisers)
    return {each: NumberModel(model) for each, model in zip(regularisers, models, strict=True)}


def fit_columns(
    train: Samples, regularisers: Sequence[float], *, balanced: bool
) -> dict[float, ColumnsModel]:
    """A logistic regression for each column [n, C], 1 for yes, 0 for no, -1 for unknown.

    A column with one answer always predicts it; one that is unknown everywhere predicts no.
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
