import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.golden import Golden
from tasks.conftest import MakeFeatures

from ssltoolbox.api import EXPRESSIONS, Features, UserError
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.options import ExpressionOptions


def evaluate(features: dict, **options: object) -> dict:
    return Expression(ExpressionOptions(**options)).evaluate(features)["expression"]


def splits(make_features: MakeFeatures, expression: float) -> dict:
    return {
        split: make_features(seed, expression=expression)
        for seed, split in enumerate(("train", "val", "test"))
    }


def with_labels(features: Features, labels: np.ndarray) -> Features:
    return replace(features, labels={**features.labels, "expression": labels})


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_separable_features_are_classified_without_error(make_features: MakeFeatures, protocol: str) -> None:
    result = evaluate(splits(make_features, expression=30), protocol=protocol)
    assert (result["f1"], result["accuracy"]) == (1.0, 1.0)
    assert result["protocol"] == protocol


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_noise_is_chance(make_features: MakeFeatures, protocol: str) -> None:
    result = evaluate(splits(make_features, expression=0), protocol=protocol)
    assert result["chance"] == 1 / 8
    assert abs(result["accuracy"] - 1 / 8) < 0.05
    assert abs(result["f1"] - 1 / 8) < 0.05


def test_the_result_has_its_metrics_and_is_json(make_features: MakeFeatures) -> None:
    result = evaluate(splits(make_features, expression=3))
    assert json.loads(json.dumps(result)) == result
    assert set(result) == {
        "f1", "accuracy", "f1_ci", "accuracy_ci", "per_class", "confusion", "protocol", "regulariser", "knn",
        "val", "chance", "majority", "frames", "absent", "resamples",
    }  # fmt: skip
    assert set(result["knn"]) == {
        "f1",
        "accuracy",
        "f1_ci",
        "accuracy_ci",
        "per_class",
        "confusion",
        "k",
        "val",
    }
    assert result["frames"] == {"train": 400, "val": 400, "test": 400}
    assert 0.4 < result["accuracy"] < 1


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_predictions_are_those_of_the_labelled_frames(make_features: MakeFeatures, protocol: str) -> None:
    features = splits(make_features, expression=2)
    labels = np.where(np.arange(400) % 7, features["test"].labels["expression"], -1)
    test = features["test"] = with_labels(features["test"], labels)
    results = Expression(ExpressionOptions(protocol=protocol)).evaluate(features)
    found = results.predictions["expression"]
    confusion = np.zeros((8, 8), int)
    np.add.at(confusion, (found.true, found.predicted), 1)
    assert confusion.tolist() == results["expression"]["confusion"]
    shown = dict(zip(zip(test.clip, test.time, strict=True), labels, strict=True))
    assert found.true.tolist() == [shown[frame] for frame in zip(found.clip, found.time, strict=True)]


def test_the_numbers_agree_with_the_confusion_matrix(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=2)
    result = evaluate(features)
    confusion = np.array(result["confusion"])
    truth = np.bincount(features["test"].labels["expression"], minlength=8)
    assert confusion.sum(axis=1).tolist() == truth.tolist()
    assert [result["per_class"][name]["frames"] for name in EXPRESSIONS] == truth.tolist()
    right = confusion.diagonal()
    assert result["accuracy"] == pytest.approx(right.sum() / 400)
    recall = right / truth
    precision = right / confusion.sum(axis=0)
    f1 = 2 * precision * recall / (precision + recall)
    assert result["f1"] == pytest.approx(f1.mean())
    assert [result["per_class"][name]["recall"] for name in EXPRESSIONS] == pytest.approx(recall.tolist())
    assert [result["per_class"][name]["f1"] for name in EXPRESSIONS] == pytest.approx(f1.tolist())


def test_labels_of_the_test_split_do_not_reach_the_choice(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=1)
    before = evaluate(features)
    shuffled = np.random.default_rng(0).permutation(features["test"].labels["expression"])
    after = evaluate({**features, "test": with_labels(features["test"], shuffled)})
    assert after["f1"] != before["f1"]
    assert after["regulariser"] == before["regulariser"]
    assert after["knn"]["k"] == before["knn"]["k"]
    # The predictions themselves are the same frames in the same classes.
    assert np.sum(after["confusion"], axis=0).tolist() == np.sum(before["confusion"], axis=0).tolist()


def test_labels_of_the_val_split_decide_the_choice(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=1)
    labels = features["val"].labels["expression"]
    chosen = {
        evaluate({**features, "val": with_labels(features["val"], np.roll(labels, shift))})["regulariser"]
        for shift in range(6)
    }
    assert len(chosen) > 1


def without(features: dict, split: str, *absent: int) -> None:
    labels = features[split].labels["expression"]
    features[split] = with_labels(features[split], np.where(np.isin(labels, absent), -1, labels))


def test_a_class_that_is_not_shown_is_reported_and_does_not_count(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=30)
    without(features, "train", 7)
    without(features, "test", 7)
    result = evaluate(features)
    assert result["absent"] == {"train": ["contempt"], "val": [], "test": ["contempt"]}
    assert result["chance"] == 1 / 7
    assert result["per_class"]["contempt"]["frames"] == 0
    assert result["frames"]["test"] == int((features["test"].labels["expression"] >= 0).sum())
    shown = [result["per_class"][name]["f1"] for name in EXPRESSIONS if name != "contempt"]
    assert result["f1"] == pytest.approx(np.mean(shown))


def test_a_class_without_training_samples_counts_zero_with_a_warning(
    make_features: MakeFeatures, caplog: pytest.LogCaptureFixture, golden: Golden
) -> None:
    features = splits(make_features, expression=30)
    without(features, "train", 2, 7)
    result = evaluate(features)
    assert result["absent"]["train"] == ["sad", "contempt"]
    assert result["per_class"]["sad"]["f1"] == 0
    assert result["f1"] == pytest.approx(np.mean([result["per_class"][name]["f1"] for name in EXPRESSIONS]))
    (message,) = caplog.messages
    golden(message)


def test_the_majority_is_the_training_splits(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=0)
    labels = features["train"].labels["expression"].copy()
    labels[:300] = 4
    features["train"] = with_labels(features["train"], labels)
    expected = float((features["test"].labels["expression"] == 4).mean())
    assert evaluate(features)["majority"] == pytest.approx(expected)


def test_a_collapsed_backbone_gets_chance_without_a_warning(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=30)
    same = {s: replace(f, values=np.full_like(f.values, 0.1)) for s, f in features.items()}
    result = evaluate(same)
    assert sum(np.sum(result["confusion"], axis=0) > 0) == 1


def test_a_single_class_to_learn_from(make_features: MakeFeatures, golden: Golden) -> None:
    features = splits(make_features, expression=30)
    features["train"] = with_labels(features["train"], np.full(400, 3))
    with pytest.raises(UserError) as caught:
        evaluate(features)
    golden(str(caught.value))


def test_a_label_outside_of_the_classes(make_features: MakeFeatures, golden: Golden) -> None:
    features = splits(make_features, expression=30)
    features["val"] = with_labels(features["val"], np.full(400, 8))
    with pytest.raises(UserError) as caught:
        evaluate(features)
    golden(str(caught.value))
