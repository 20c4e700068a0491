import json
from dataclasses import replace

import numpy as np
import pytest
from helpers.golden import Golden
from tasks.conftest import MakeFeatures

from ssltoolbox.api import Features, UserError
from ssltoolbox.tasks.identity import Identity
from ssltoolbox.tasks.options import IdentityOptions


def evaluate(features: dict, **options: object) -> dict:
    return Identity(IdentityOptions(**options)).evaluate(features)["identity"]


def splits(make_features: MakeFeatures, **what: float) -> dict:
    return {"val": make_features(1, **what), "test": make_features(2, **what)}


def one_clip_each(positions: np.ndarray, identities: int = 3) -> Features:
    """People with one clip each, whose feature at a time is `positions` along an axis of their own."""
    frames = len(positions)
    identity = np.repeat(np.arange(identities), frames)
    values = np.tile(positions, identities)[:, None] * np.eye(identities)[identity]
    time = np.tile(np.linspace(0, 1, frames), identities)
    return Features(values.astype(np.float32), identity, identity, time)


@pytest.mark.parametrize("protocol", ["linear", "knn"])
@pytest.mark.parametrize("clips", [1, 2, 3])
def test_people_whose_features_differ_are_identified(
    make_features: MakeFeatures, protocol: str, clips: int
) -> None:
    result = evaluate(splits(make_features, person=30, clips=clips), protocol=protocol)
    assert result["accuracy"] > 0.99
    assert result["chance"] == 0.1
    assert result["identities"] == 10


@pytest.mark.parametrize("protocol", ["linear", "knn"])
def test_people_who_look_alike_are_not(make_features: MakeFeatures, protocol: str) -> None:
    result = evaluate(splits(make_features, person=0, frames=50), protocol=protocol)
    assert abs(result["accuracy"] - result["chance"]) < 0.05


def test_the_result_has_its_metrics_and_is_json(make_features: MakeFeatures) -> None:
    result = evaluate(splits(make_features, person=1, clips=3))
    assert json.loads(json.dumps(result)) == result
    assert set(result) == {
        "accuracy", "accuracy_ci", "chance", "protocol", "regulariser", "knn", "identities", "left_out", "frames",
        "resamples", "val",
    }  # fmt: skip
    assert result["frames"] == {"early": 400, "late": 200}


def test_of_a_single_clip_the_middle_is_not_used() -> None:
    # Eleven frames: 0 to 4 are the first 40 % of the time, 6 to 10 the last.
    result = evaluate({"val": one_clip_each(np.ones(11)), "test": one_clip_each(np.ones(11))})
    assert result["frames"] == {"early": 15, "late": 15}
    assert result["accuracy"] == 1.0
    turned = one_clip_each(np.repeat([1.0, -1.0], [6, 5]))
    assert evaluate({"val": turned, "test": turned}, protocol="knn", k=(1,))["accuracy"] == 0.0


def test_the_later_clips_are_asked_about() -> None:
    # Clip 1 of each person shows what clip 0 of the other showed: learning from clip 0 misleads about clip 1.
    identity = np.repeat([0, 1], 20)
    clip = np.arange(40) // 10
    axis = (identity + clip) % 2
    swapped = Features(np.eye(2, dtype=np.float32)[axis], clip, identity, np.tile(np.arange(10) * 0.1, 4))
    result = evaluate({"val": swapped, "test": swapped})
    assert result["accuracy"] == 0.0
    assert result["frames"] == {"early": 20, "late": 20}


def test_val_chooses_the_setting(make_features: MakeFeatures) -> None:
    val = make_features(1, person=1)
    chosen = [evaluate({"val": val, "test": make_features(seed, person=1)}) for seed in (2, 3, 4)]
    assert len({result["regulariser"] for result in chosen}) == 1
    assert len({result["knn"]["k"] for result in chosen}) == 1
    assert len({result["accuracy"] for result in chosen}) > 1


def test_people_of_a_single_frame_are_left_out_and_counted(make_features: MakeFeatures) -> None:
    features = splits(make_features, person=30, clips=1)
    test = features["test"]
    keep = np.ones(len(test), bool)
    keep[1:20] = False
    features["test"] = Features(test.values[keep], test.clip[keep], test.identity[keep], test.time[keep])
    result = evaluate(features)
    assert (result["identities"], result["left_out"], result["chance"]) == (9, 1, 1 / 9)


@pytest.mark.parametrize("split", ["val", "test"])
def test_identity_of_a_single_person_is_an_error(
    make_features: MakeFeatures, split: str, golden: Golden
) -> None:
    features = splits(make_features)
    features[split] = replace(features[split], identity=np.full(400, 7))
    with pytest.raises(UserError) as caught:
        evaluate(features)
    golden(str(caught.value))


def test_identity_of_too_few_frames_is_an_error(golden: Golden) -> None:
    lonely = one_clip_each(np.ones(1), identities=5)
    with pytest.raises(UserError) as caught:
        evaluate({"val": lonely, "test": lonely})
    golden(str(caught.value))


def test_neither_the_training_split_nor_labels_are_needed(make_features: MakeFeatures) -> None:
    features = {split: replace(found, labels={}) for split, found in splits(make_features, person=30).items()}
    assert evaluate(features)["accuracy"] == 1.0


def test_a_collapsed_backbone_gives_nothing_away(make_features: MakeFeatures) -> None:
    features = splits(make_features, person=30)
    same = {s: replace(f, values=np.full_like(f.values, 0.1)) for s, f in features.items()}
    result = evaluate(same)
    assert result["accuracy"] == pytest.approx(result["chance"])
