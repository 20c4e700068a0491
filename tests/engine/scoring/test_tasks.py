"""Which task is asked what, about which data."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from helpers.data import NumberedFrames, PlainView
from helpers.golden import Golden
from torch import Tensor, nn

from ssltoolbox.api import EvaluationContext, Features, Frames, Split, SslToolboxError, UserError
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.scoring.tasks import NetworkUnderTest, evaluate_tasks
from ssltoolbox.models import weights_hash


class MeanColour(nn.Module):
    """The mean of each channel, times a weight that a task may train."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3)) * self.scale


class Count:
    """A task that reports how many frames of each split it was given."""

    def __init__(self, *keys: str) -> None:
        self.keys = keys

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        return {key: {split: len(found) for split, found in features.items()} for key in self.keys}


def measured(
    evaluators: dict[str, Any],
    splits: dict[Split, Any],
    own: dict[str, dict[Split, Any]] | None = None,
    backbone: nn.Module | None = None,
    max_frames: Mapping[Split, int] | None = None,
    **options: Any,
) -> dict[str, dict[str, Any]]:
    tasks = {}
    for key, evaluator in evaluators.items():
        data = (own[key], "faces") if own and key in own else (splits, "")
        tasks[key] = Task(evaluator, [data[0]], *data[1:], max_frames=max_frames or {})
    return evaluate_tasks(
        NetworkUnderTest(FeatureExtractor(backbone or MeanColour(), PlainView()), **options), tasks
    ).results


def evaluate(evaluators: dict[str, Any], **options: Any) -> dict[str, dict[str, Any]]:
    """Results without what is said of all."""
    splits: dict[Split, Any] = {"train": NumberedFrames([30, 30]), "test": NumberedFrames([10])}
    results = measured(evaluators, splits, seed=3, **options)
    for numbers in results.values():
        assert (numbers.pop("split"), numbers.pop("seed")) == ("test", 3)
        assert numbers.pop("weights") == weights_hash(MeanColour())
        assert numbers.pop("task") in evaluators
    return results


def test_the_results_of_all_tasks_are_merged() -> None:
    assert evaluate({"two": Count("valence", "arousal"), "one": Count("mood")}) == {
        "valence": {"train": 60, "test": 10},
        "arousal": {"train": 60, "test": 10},
        "mood": {"train": 60, "test": 10},
    }


def test_each_split_has_its_most_frames() -> None:
    """And the result says of how many."""
    found = evaluate({"one": Count("mood")}, max_frames={"train": 12, "val": 1, "test": 10})
    assert found == {"mood": {"train": 12, "test": 10, "limited": {"train": (12, 60)}}}


def test_a_limit_is_recorded_for_tasks_whose_splits_it_cuts() -> None:
    class OfTheTestSplit:
        def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
            return {"test": {"frames": len(features["test"])}}

    found = evaluate({"all": Count("all"), "test": OfTheTestSplit()}, max_frames={"train": 12})
    assert ("limited" in found["all"], "limited" in found["test"]) == (True, False)


class Reading:
    """A task that reads the images of the test split."""

    needs_network = True

    def evaluate_network(self, context: EvaluationContext) -> dict[str, dict[str, Any]]:
        batches = context.read(context.datasets["test"], *context.frames("test"), 4)
        return {"read": {"frames": sum(len(batch.images) for batch in batches)}}


def test_frames_that_cannot_be_read_are_counted() -> None:
    splits: dict[Split, Any] = {
        "train": NumberedFrames([5]),
        "test": NumberedFrames([8], broken=[(0, 2), (0, 7)]),
    }
    found = measured({"seen": Count("seen"), "again": Count("again"), "read": Reading()}, splits)
    assert [result["unreadable"] for result in found.values()] == [{"test": 2}] * 3
    assert found["seen"]["test"] == 6


@pytest.mark.parametrize("task", [Count("seen"), Reading()], ids=["features", "images"])
def test_a_split_without_readable_frames_is_named(task: Any) -> None:
    with pytest.raises(UserError, match=r"none of the 2 frames of the test split"):
        measured({"one": task}, {"test": NumberedFrames([2], broken=[(0, 0), (0, 1)])})


def test_the_features_of_a_split_are_computed_once() -> None:
    looks = []

    class Watched(MeanColour):
        def forward(self, images: Tensor) -> Tensor:
            looks.append(1)
            return super().forward(images)

    tasks = {"one": Count("a"), "two": Count("b"), "three": Count("c")}
    measured(tasks, {"test": NumberedFrames([10])}, backbone=Watched())
    assert len(looks) == 1


def test_two_tasks_that_report_the_same(golden: Golden) -> None:
    with pytest.raises(UserError) as caught:
        evaluate({"expression": Count("mood"), "feelings": Count("mood")})
    golden(str(caught.value))


def test_a_task_of_the_same_name_has_its_own_key() -> None:
    assert list(evaluate({"mood": Count("mood"), "mood#2": Count("mood")})) == ["mood", "mood#2"]


def test_a_task_is_asked_about_its_own_data() -> None:
    own: dict[str, dict[Split, Any]] = {"own": {"test": NumberedFrames([7])}}
    tasks = {"recipes": Count("a"), "own": Count("b")}
    found = evaluate(tasks, own=own)
    assert found == {"a": {"train": 60, "test": 10}, "b": {"test": 7, "data": "faces"}}


def test_splits_that_no_task_asks_for_are_not_looked_at() -> None:
    class TestOnly:
        def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
            return {"mood": {"frames": len(features["test"])}}

    class Never(NumberedFrames):
        def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
            raise AssertionError

    datasets: dict[Split, Any] = {"train": Never([9]), "test": NumberedFrames([9])}
    assert measured({"mood": TestOnly()}, datasets)["mood"]["frames"] == 9


@pytest.mark.parametrize("lengths", [[30] * 200, [1] * 21_000], ids=["video", "images"])
def test_all_frames_count_unless_a_limit_is_set(lengths: list[int]) -> None:
    splits: dict[Split, Any] = {"train": NumberedFrames(lengths), "test": NumberedFrames(lengths)}
    found = measured({"mood": Count("mood")}, splits)["mood"]
    assert (found["train"], found["test"], "limited" in found) == (sum(lengths), sum(lengths), False)


class Network:
    """A task that trains the network, and reports what it was given."""

    def __init__(self, needs_network: bool) -> None:
        self.needs_network = needs_network

    def evaluate(self, features: Mapping[Split, Features]) -> dict[str, dict[str, Any]]:
        return {"net": {"asked": "features"}}

    def evaluate_network(self, context: EvaluationContext) -> dict[str, dict[str, Any]]:
        clip, frame = context.frames("test")
        (batch,) = context.read(context.datasets["test"], clip, frame, 100)
        before = context.features(context.datasets["test"], clip[:2], frame[:2]).values
        with torch.no_grad():
            context.backbone.scale.zero_()
        after = context.features(context.datasets["test"], clip[:2], frame[:2]).values
        return {
            "net": {
                "images": len(batch.images),
                "dim": context.feature_dim,
                "context seed": context.seed,
                "frozen": bool((before == after).all()),
            }
        }


def test_a_task_that_needs_the_network_gets_a_copy_and_the_images() -> None:
    found = evaluate({"net": Network(True), "mood": Count("mood")})
    assert found["net"] == {"images": 10, "dim": 3, "context seed": 3, "frozen": True}


def test_a_task_that_could_have_the_network_need_not() -> None:
    assert evaluate({"net": Network(False)}) == {"net": {"asked": "features"}}


class Giving:
    """A task with these results."""

    def __init__(self, results: Any) -> None:
        self.results = results

    def evaluate(self, features: Mapping[Split, Features]) -> Any:
        return self.results


def test_numbers_of_numpy_become_plain_ones() -> None:
    results = {"mood": {"f1": np.float32(0.5), "confusion": np.eye(2, dtype=int), "k": {"n": np.int64(3)}}}
    found = measured({"mood": Giving(results)}, {"test": NumberedFrames([3])})["mood"]
    assert json.loads(json.dumps(found))["confusion"] == [[1, 0], [0, 1]]
    assert (found["f1"], found["k"]) == (0.5, {"n": 3})


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        (0.5, "float as its results"),
        ({"mood": 0.5}, "dict as its results"),
        ({"m": {"f1": float("nan")}}, "nan as 'f1'"),
    ],
)
def test_results_that_cannot_be_written_name_the_task(results: Any, reason: str) -> None:
    with pytest.raises(SslToolboxError, match=f"^Giving gave {reason}"):
        measured({"mood": Giving(results)}, {"test": NumberedFrames([3])})
