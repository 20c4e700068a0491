"""The linear protocol of published tables: a layer by SGD, its rate chosen on val, nothing leaked from test."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.squares import Plain, Squares, context, small_net
from torch import Tensor

from ssltoolbox.api import EvaluationContext, Setting, TaskResults, UserError
from ssltoolbox.report.results import how_measured
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.linear_sgd import INITIAL, crop_and_flip
from ssltoolbox.tasks.options import ExpressionOptions, LinearSgdOptions

QUICK: dict[str, Any] = {"epochs": 10, "batch_size": 16, "lr": (0.1,), "augment": "none"}


def evaluated(made: EvaluationContext, **options: Any) -> TaskResults:
    task = Expression(
        ExpressionOptions(protocol="linear_sgd", linear_sgd=LinearSgdOptions(**QUICK | options))
    )
    assert task.needs_network
    return task.evaluate_network(made)


def layer_of(results: TaskResults) -> tuple[np.ndarray, np.ndarray]:
    assert results.head is not None
    assert results.head.backbone is None
    ((weight, bias),) = results.head.layers
    return weight, bias


def images(dataset: Squares) -> tuple[Tensor, Tensor]:
    """What the network gives for all images, in order, and the labels."""
    made = context()
    found = made.features(dataset, np.arange(len(dataset)), np.zeros(len(dataset), int))  # type: ignore[arg-type]
    return torch.from_numpy(found.values), dataset.labels


def test_linear_sgd_equals_a_plain_loop_of_sgd() -> None:
    """With momentum and decay as torch has them, the rate falling to a tenth twice, and the last batch smaller."""
    dataset = Squares([label % 8 for label in range(44)])
    made = context(seed=3, train=dataset)
    results = evaluated(made, lr=(0.5,), weight_decay=1e-2, momentum=0.8)

    features, targets = images(dataset)
    torch.manual_seed(3)
    torch.nn.Linear(48, 8)  # whose own initial values are drawn first
    weight, bias = torch.randn(8, 48) * INITIAL, torch.zeros(8)
    slopes = [torch.zeros_like(weight), torch.zeros_like(bias)]
    rng = np.random.default_rng(3)
    for epoch in range(10):
        rate = 0.5 * (1 if epoch < 6 else 0.1 if epoch < 8 else 0.01)
        order = rng.permutation(44)
        for rows in (order[:16], order[16:32], order[32:]):
            error = (features[rows] @ weight.T + bias).softmax(1)
            error -= torch.nn.functional.one_hot(targets[rows], 8)
            error /= len(rows)
            for slope, value, gradient in (
                (slopes[0], weight, error.T @ features[rows]),
                (slopes[1], bias, error.sum(0)),
            ):
                slope.mul_(0.8).add_(gradient + 1e-2 * value)
                value -= rate * slope
    own_weight, own_bias = layer_of(results)
    np.testing.assert_allclose(own_weight, weight.numpy(), atol=1e-5)
    np.testing.assert_allclose(own_bias, bias.numpy(), atol=1e-5)
    test_features, test_labels = images(Squares(list(range(8)) * 6))
    right = (test_features @ weight.T + bias).argmax(1) == test_labels
    assert results["expression"]["accuracy"] == pytest.approx(float(right.float().mean()))


def test_the_result_names_the_protocol_and_what_was_chosen() -> None:
    found = evaluated(context(), lr=(1e-9, 0.1))["expression"]
    assert (found["protocol"], found["lr"], found["augment"]) == ("linear_sgd", 0.1, "none")
    assert found["frames"] == {"train": 48, "val": 48, "test": 48}
    assert list(found["per_class"])[:2] == ["neutral", "happy"]
    assert found["accuracy"] > 0.9
    assert "SGD" in how_measured(found)


def test_rates_that_diverge_are_not_chosen() -> None:
    assert evaluated(context(), lr=(1e38, 0.1))["expression"]["lr"] == 0.1
    with pytest.raises(UserError, match="diverged"):
        evaluated(context(), lr=(1e38,))


def test_rates_do_not_disturb_each_other() -> None:
    alone, (weight, bias) = evaluated(context()), layer_of(evaluated(context(), lr=(1e-9, 0.1, 1e38)))
    np.testing.assert_allclose(layer_of(alone)[0], weight, atol=1e-6)
    np.testing.assert_allclose(layer_of(alone)[1], bias, atol=1e-6)


def test_labels_of_the_test_split_choose_nothing() -> None:
    other = Squares(list(range(8)) * 6)
    other.labels = other.labels.roll(3)
    before, after = evaluated(context(), lr=(0.3, 0.1)), evaluated(context(test=other), lr=(0.3, 0.1))
    assert before["expression"]["lr"] == after["expression"]["lr"]
    np.testing.assert_array_equal(layer_of(before)[0], layer_of(after)[0])


@pytest.mark.parametrize("augment", ["none", "crop_flip", "view"])
def test_a_seed_gives_a_layer_and_leaves_the_network_and_the_generators(augment: str) -> None:
    before, state = small_net().state_dict(), torch.get_rng_state()
    made = context(seed=1)
    weights = [layer_of(evaluated(each, augment=augment))[0] for each in (made, context(seed=1))]
    np.testing.assert_array_equal(*weights)
    assert not np.array_equal(weights[0], layer_of(evaluated(context(seed=2), augment=augment))[0])
    torch.set_rng_state(state)
    for name, value in made.backbone.state_dict().items():
        torch.testing.assert_close(value, before[name])


def test_the_global_generator_is_restored() -> None:
    made, state = context(), torch.get_rng_state()
    evaluated(made, augment="crop_flip")
    assert torch.equal(torch.get_rng_state(), state)


def test_each_epoch_has_images_of_its_own() -> None:
    """Of the view where it is asked for; val, test and features that stay the same are never augmented."""
    counts = {}
    for augment in ("none", "crop_flip", "view"):
        view = Plain()
        evaluated(context(view), augment=augment, epochs=3)
        counts[augment] = view.augmented
    assert counts == {"none": 0, "crop_flip": 0, "view": 3 * 48}


def test_crops_show_a_part_at_full_size_and_half_are_mirrored() -> None:
    """A picture whose left is dark and whose right is bright tells what became of it."""
    torch.manual_seed(0)
    ramp = torch.linspace(0, 255, 32).to(torch.uint8).expand(200, 3, 32, 32)
    found = crop_and_flip(ramp, (0.8, 1.0))
    assert (found.shape, found.dtype) == (ramp.shape, torch.uint8)
    left, right = found[..., 0].float().mean((1, 2)), found[..., -1].float().mean((1, 2))
    assert 70 < int((left > right).sum()) < 130
    spans = (left - right).abs()
    assert spans.min() > 255 * 0.6
    assert spans.std() > 3
    assert torch.equal(crop_and_flip(ramp.flip(2), (1.0, 1.0)).sort(3).values[..., :1], ramp[..., :1])


def test_plain_cross_entropy_neglects_what_is_rare_and_the_balanced_one_does_not() -> None:
    train = Squares([0] * 60 + [1] * 4)
    counts = {
        balanced: evaluated(context(train=train), balanced=balanced, epochs=2)["expression"]["per_class"][
            "happy"
        ]["recall"]
        for balanced in (False, True)
    }
    assert counts[True] > counts[False]


def test_only_the_training_classes_are_answers() -> None:
    results = evaluated(context(train=Squares([2, 5] * 20)))
    assert results.head is not None
    assert results.head.outputs[0].names == ("sad", "disgust")
    confusion = np.array(results["expression"]["confusion"])
    assert set(np.flatnonzero(confusion.sum(0))) <= {2, 5}


def test_unreadable_images_are_left_out() -> None:
    made = context(train=Squares(list(range(8)) * 6, broken=(3, 40)))
    found = evaluated(made, augment="crop_flip")["expression"]
    assert found["frames"]["train"] == 46


def test_linear_sgd_reports_its_progress() -> None:
    seen: list[Any] = []

    class Shown:
        def __init__(self, total: int, unit: str) -> None:
            seen.append((total, unit))

        def __enter__(self) -> Any:
            return seen.append

        def __exit__(self, *error: object) -> None:
            pass

    evaluated(replace(context(), progress=Shown), epochs=2)
    (total, unit), *ticks = seen
    assert (total, ticks) == (6, [1] * 6)
    assert unit.startswith("steps ")
    assert "expression" in unit


@pytest.mark.parametrize(
    ("protocol", "options", "idle"),
    [
        ("linear_sgd", {"k": (1,)}, ["k"]),
        ("linear_sgd", {"balanced": False}, ["balanced"]),
        ("linear_sgd", {"linear_sgd": LinearSgdOptions(epochs=3)}, []),
        ("linear", {"linear_sgd": LinearSgdOptions(epochs=3)}, ["linear_sgd"]),
        ("finetune", {"k": (1,), "balanced": False}, ["k"]),
        ("linear", {"k": (1,), "balanced": False}, []),
    ],
)
def test_options_that_a_protocol_has_no_use_for(
    protocol: Any, options: dict[str, Any], idle: list[str]
) -> None:
    made = ExpressionOptions(protocol=protocol, **options)
    setting = Setting(data=None, instances=8, draws=8, hard_negatives=0)
    assert [problem.option for problem in made.problems(setting)] == idle
