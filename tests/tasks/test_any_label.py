"""Tasks on labels of any name and kind."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from ssltoolbox.api import Features, Split, UserError
from ssltoolbox.tasks.classification import Classification
from ssltoolbox.tasks.clip_expression import ClipExpression
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.multi_label import MultiLabel, mean_f1
from ssltoolbox.tasks.options import (
    ClassificationOptions,
    ClipExpressionOptions,
    ExpressionOptions,
    MultiLabelOptions,
    RegressionOptions,
)
from ssltoolbox.tasks.regression import Regression

Splits = dict[Split, Features]
SPLITS: tuple[Split, ...] = ("train", "val", "test")


def data(labels: Any, names: tuple[str, ...] = (), people: int = 10, frames: int = 6) -> Splits:
    """Features that hold the labels [n] or [n, C], which are made from a number of frames and a generator."""
    found: Splits = {}
    for seed, split in enumerate(SPLITS):
        rng = np.random.default_rng(seed)
        count = people * 2 * frames
        values = labels(count, rng)
        table = values if values.ndim > 1 else values[:, None]
        known = np.nan_to_num(table, nan=0)
        clip = np.arange(count) // frames
        found[split] = Features(
            values=np.concatenate([10 * known, rng.normal(size=(count, 3))], axis=1).astype(np.float32),
            clip=clip,
            identity=clip // 2,
            time=np.arange(count) % frames / 25,
            labels={"mine": values},
            classes={"mine": names} if names else {},
        )
    return found


def units(count: int, rng: np.random.Generator) -> np.ndarray:
    values = rng.integers(2, size=(count, 3))
    values[::5, 0] = -1
    return values


def of_clips(count: int, rng: np.random.Generator) -> np.ndarray:
    return np.repeat(np.arange(count // 6) % 3, 6)


def test_classes_are_called_as_the_data_calls_them() -> None:
    features = data(lambda count, rng: rng.integers(3, size=count), ("calm", "wild", "odd"))
    result = Classification(ClassificationOptions(label="mine")).evaluate(features)["mine"]
    assert list(result["per_class"]) == ["calm", "wild", "odd"]
    assert result["accuracy"] == 1
    assert np.sum(result["confusion"]) == result["frames"]["test"] == 120


def test_expressions_are_the_datas_own() -> None:
    names = tuple(f"emotion {number}" for number in range(11))
    features = data(lambda count, rng: np.arange(count) % 11)
    own = {
        split: replace(found, labels={"expression": found.labels["mine"]}, classes={"expression": names})
        for split, found in features.items()
    }
    result = Expression(ExpressionOptions()).evaluate(own)["expression"]
    assert list(result["per_class"]) == list(names)
    assert result["chance"] == pytest.approx(1 / 11)


def test_frames_without_the_label_are_counted() -> None:
    def labels(count: int, rng: np.random.Generator) -> np.ndarray:
        return np.where(np.arange(count) % 4 == 0, -1, np.arange(count) % 2)

    result = Classification(ClassificationOptions(label="mine")).evaluate(data(labels))["mine"]
    assert result["frames"]["train"] == 90
    assert result["unlabelled"] == {"train": 30, "val": 30, "test": 30}


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_regression_measures_any_numeric_label(protocol: str) -> None:
    features = data(lambda count, rng: rng.normal(size=count).astype(np.float32))
    options = RegressionOptions(label="mine", protocol=protocol)
    result = Regression(options).evaluate(features)["mine"]
    assert result["ccc"] > 0.8
    assert result["rmse"] < 0.6
    assert result["ccc_ci"][0] < result["ccc"] < result["ccc_ci"][1]


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_multilabel_measures_action_units(protocol: str) -> None:
    features = data(units, ("AU1", "AU12", "AU25"))
    options = MultiLabelOptions(label="mine", protocol=protocol, k=(3,))
    result = MultiLabel(options).evaluate(features)["mine"]
    assert json.loads(json.dumps(result)) == result
    by_unit = [found["f1"] for found in result["per_column"].values()]
    assert list(result["per_column"]) == ["AU1", "AU12", "AU25"]
    assert result["f1"] == pytest.approx(np.mean(by_unit))
    assert min(by_unit) > 0.85
    assert result["per_column"]["AU1"]["frames"] == 96
    assert 0.55 < result["chance"] < 0.75


def test_labels_of_the_test_split_do_not_reach_the_choice() -> None:
    features = data(units)
    before = MultiLabel(MultiLabelOptions(label="mine")).evaluate(features)["mine"]
    other = {"mine": np.where(features["test"].labels["mine"] < 0, -1, 1 - features["test"].labels["mine"])}
    after = MultiLabel(MultiLabelOptions(label="mine")).evaluate(
        {**features, "test": replace(features["test"], labels=other)}
    )["mine"]
    assert after["f1"] != before["f1"]
    assert after["regulariser"] == before["regulariser"]


def test_a_unit_that_nobody_shows_in_training_does_not_stop_the_others() -> None:
    features = data(units)
    labels = features["train"].labels["mine"].copy()
    labels[:, 1] = 0
    features["train"] = replace(features["train"], labels={"mine": labels})
    result = MultiLabel(MultiLabelOptions(label="mine")).evaluate(features)["mine"]
    assert result["per_column"]["1"]["recall"] == 0
    assert result["per_column"]["2"]["f1"] == 1


def test_f1_of_columns_by_hand() -> None:
    truth = np.array([[1, 0], [1, 0], [0, -1], [0, 0]])
    predicted = np.array([[1, 1], [0, 0], [1, 1], [0, 0]])
    assert mean_f1(truth, predicted) == pytest.approx(0.5)  # the second column has no yes


@pytest.mark.parametrize("pool", ["mean", "max", "mean_std"])
def test_clips_are_classified_by_pooled_features(pool: str) -> None:
    features = data(of_clips, ("sad", "glad", "calm"), people=40)
    result = ClipExpression(ClipExpressionOptions(label="mine", pool=pool)).evaluate(features)["clip_mine"]
    assert (result["uar"], result["war"]) == (1, 1)
    assert (result["clips"]["test"], result["frames"]["test"]) == (80, 480)
    assert list(result["per_class"]) == ["sad", "glad", "calm"]
    assert result["uar_ci"] == [1, 1]


def test_a_prediction_for_each_labelled_clip() -> None:
    features = data(of_clips, ("sad", "glad", "calm"), people=40)
    mine = features["test"].labels["mine"].copy()
    mine[features["test"].clip == 5] = -1
    features["test"] = replace(features["test"], labels={"mine": mine})
    results = ClipExpression(ClipExpressionOptions(label="mine")).evaluate(features)
    found = results.predictions["clip_mine"]
    assert found.time is None
    assert found.clip.tolist() == [clip for clip in range(80) if clip != 5]
    assert found.true.tolist() == [mine[features["test"].clip == clip].max() for clip in found.clip]
    confusion = np.zeros((3, 3), int)
    np.add.at(confusion, (found.true, found.predicted), 1)
    assert confusion.tolist() == results["clip_mine"]["confusion"]


def test_uar_weighs_classes_and_war_clips() -> None:
    def labels(count: int, rng: np.random.Generator) -> np.ndarray:
        return np.repeat((np.arange(count // 6) % 4 == 0).astype(np.int64), 6)

    features = data(labels)
    blind = {split: replace(found, values=np.ones_like(found.values)) for split, found in features.items()}
    options = ClipExpressionOptions(label="mine", protocol="knn", k=(20,))
    result = ClipExpression(options).evaluate(blind)["clip_mine"]
    assert (result["uar"], result["war"]) == (0.5, 0.75)


@pytest.mark.parametrize(
    ("task", "options", "labels"),
    [
        (Classification, ClassificationOptions, units),
        (Regression, RegressionOptions, units),
        (Regression, RegressionOptions, of_clips),
        (MultiLabel, MultiLabelOptions, of_clips),
        (ClipExpression, ClipExpressionOptions, units),
    ],
)
def test_labels_of_another_kind_are_refused(task: Any, options: Any, labels: Any) -> None:
    with pytest.raises(UserError, match="'mine'"):
        task(options(label="mine")).evaluate(data(labels))
