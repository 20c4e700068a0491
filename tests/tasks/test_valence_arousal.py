import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.golden import Golden
from tasks.conftest import MakeFeatures

from ssltoolbox.api import UserError
from ssltoolbox.tasks.options import ValenceArousalOptions
from ssltoolbox.tasks.valence_arousal import ValenceArousal


def evaluate(features: dict, **options: object) -> dict:
    return ValenceArousal(ValenceArousalOptions(**options)).evaluate(features)


def splits(make_features: MakeFeatures, expression: float) -> dict:
    return {
        split: make_features(seed, expression=expression)
        for seed, split in enumerate(("train", "val", "test"))
    }


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_clean_features_agree_with_the_truth(make_features: MakeFeatures, protocol: str) -> None:
    result = evaluate(splits(make_features, expression=100), protocol=protocol)
    for label in ("valence", "arousal"):
        assert result[label]["ccc"] > 0.999
        assert result[label]["rmse"] < 0.03


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_noise_agrees_with_nothing(make_features: MakeFeatures, protocol: str) -> None:
    result = evaluate(splits(make_features, expression=0), protocol=protocol)
    for label in ("valence", "arousal"):
        assert abs(result[label]["ccc"]) < 0.1
        assert result[label]["rmse"] > 0.4


def test_the_result_has_its_metrics_and_is_json(make_features: MakeFeatures) -> None:
    result = evaluate(splits(make_features, expression=3))
    assert json.loads(json.dumps(result)) == result
    assert list(result) == ["valence", "arousal"]
    for numbers in result.values():
        assert set(numbers) == {
            "ccc",
            "rmse",
            "ccc_ci",
            "rmse_ci",
            "resamples",
            "protocol",
            "regulariser",
            "val",
            "knn",
            "frames",
        }
        assert set(numbers["knn"]) == {"ccc", "rmse", "ccc_ci", "rmse_ci", "k", "val"}
        assert numbers["frames"] == {"train": 400, "val": 400, "test": 400}


def test_each_has_its_own_labelled_frames(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=3)
    valence = features["train"].labels["valence"].copy()
    valence[:150] = np.nan
    features["train"] = replace(features["train"], labels={**features["train"].labels, "valence": valence})
    result = evaluate(features)
    assert result["valence"]["frames"]["train"] == 250
    assert result["arousal"]["frames"]["train"] == 400


def test_labels_of_the_test_split_do_not_reach_the_choice(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=1)
    test = features["test"]
    rng = np.random.default_rng(0)
    shuffled = {name: rng.permutation(label) for name, label in test.labels.items()}
    before, after = evaluate(features), evaluate({**features, "test": replace(test, labels=shuffled)})
    for label in ("valence", "arousal"):
        assert after[label]["ccc"] != before[label]["ccc"]
        assert after[label]["regulariser"] == before[label]["regulariser"]
        assert after[label]["knn"]["k"] == before[label]["knn"]["k"]


def test_a_collapsed_backbone_gets_zero_without_a_warning(make_features: MakeFeatures) -> None:
    features = splits(make_features, expression=30)
    same = {s: replace(f, values=np.full_like(f.values, 0.1)) for s, f in features.items()}
    result = evaluate(same)
    for label in ("valence", "arousal"):
        assert result[label]["ccc"] == pytest.approx(0, abs=1e-6)
        assert result[label]["knn"]["ccc"] == pytest.approx(0, abs=1e-6)


def test_values_out_of_range(make_features: MakeFeatures, golden: Golden) -> None:
    features = splits(make_features, expression=3)
    arousal = features["val"].labels["arousal"].copy()
    arousal[7] = -2
    features["val"] = replace(features["val"], labels={**features["val"].labels, "arousal": arousal})
    with pytest.raises(UserError) as caught:
        evaluate(features)
    golden(str(caught.value))
