"""Fine-tuning: the head and the schedule of the paper, the epoch chosen on val, nothing leaked from test."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.golden import Golden
from helpers.squares import Plain, Squares, context
from torch import nn

from ssltoolbox.api import EvaluationContext, UserError
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.finetune import Goal, finetune, head
from ssltoolbox.tasks.frames import labelled_frames
from ssltoolbox.tasks.options import ExpressionOptions, FineTuneOptions, ValenceArousalOptions
from ssltoolbox.tasks.valence_arousal import ValenceArousal


def test_fine_tuning_reports_its_progress() -> None:
    seen: list[Any] = []

    @contextmanager
    def progress(total: int, unit: str) -> Iterator[Callable[[int], None]]:
        seen.append((total, unit))
        yield seen.append

    options = ExpressionOptions(
        protocol="finetune", finetune=FineTuneOptions(epochs=2, batch_size=16, hidden=())
    )
    made = replace(context(), progress=progress)
    found = Expression(options).evaluate_network(made).predictions["expression"]
    assert len(found.predicted) == 48
    times = [made.datasets["test"].clip(clip).times for clip in found.clip]
    assert all(time in of_clip for time, of_clip in zip(found.time, times, strict=True))
    (total, unit), *ticks = seen
    assert (total, ticks) == (6, [1] * 6)
    assert unit.startswith("steps ")
    assert "expression" in unit


QUICK = FineTuneOptions(epochs=15, batch_size=16, lr=3e-3, hidden=(32,), dropout=0.1)


def expression(made: EvaluationContext, tuning: FineTuneOptions = QUICK, **options: Any) -> dict[str, Any]:
    task = Expression(ExpressionOptions(protocol="finetune", finetune=tuning, **options))
    assert task.needs_network
    return task.evaluate_network(made)["expression"]


def test_the_head_is_the_papers() -> None:
    layers = head(2048, 8, (1024, 512), 0.5)
    assert [type(layer).__name__ for layer in layers] == [
        "Linear", "ReLU", "Dropout", "Linear", "ReLU", "Dropout", "Linear",
    ]  # fmt: skip
    assert [(layer.in_features, layer.out_features) for layer in layers if isinstance(layer, nn.Linear)] == [
        (2048, 1024), (1024, 512), (512, 8),
    ]  # fmt: skip


def test_the_papers_settings_are_the_defaults() -> None:
    options = FineTuneOptions()
    assert (options.epochs, options.batch_size, options.lr, options.weight_decay) == (20, 64, 1e-4, 5e-4)
    assert (options.hidden, options.dropout) == ((1024, 512), 0.5)


def test_fine_tuning_learns_classes_and_reports_its_metrics() -> None:
    result = expression(context())
    assert result["f1"] > 0.9
    assert result["accuracy"] > 0.9
    assert set(result) == {
        "f1", "accuracy", "f1_ci", "accuracy_ci", "per_class", "confusion", "protocol", "epoch",
        "chance", "majority", "frames", "absent", "resamples",
    }  # fmt: skip
    assert result["protocol"] == "finetune"
    assert result["frames"] == {"train": 48, "val": 48, "test": 48}


def test_fine_tuning_learns_valence_and_arousal() -> None:
    task = ValenceArousal(ValenceArousalOptions(protocol="finetune", finetune=QUICK))
    result = task.evaluate_network(context())
    assert list(result) == ["valence", "arousal"]
    for numbers in result.values():
        assert numbers["ccc"] > 0.8
        assert numbers["rmse"] < 0.4
        assert numbers["ccc_ci"][0] < numbers["ccc"] < numbers["ccc_ci"][1]


def test_a_seed_gives_the_same_numbers_and_leaves_the_generators_alone() -> None:
    tuning = FineTuneOptions(epochs=2, batch_size=16, hidden=(8,))

    def outcome(seed: int) -> dict[str, Any]:
        made = context(seed=seed)
        torch.manual_seed(5)
        result = expression(made, tuning)
        assert torch.rand(1) == pytest.approx(first)
        return result

    torch.manual_seed(5)
    first = torch.rand(1).item()
    assert outcome(0)["confusion"] == outcome(0)["confusion"]
    assert outcome(0)["confusion"] != outcome(1)["confusion"]


def test_the_epoch_is_chosen_on_val(caplog: pytest.LogCaptureFixture, golden: Golden) -> None:
    made = context()
    frames = labelled_frames(made, ["expression"], "expression")
    asked: list[np.ndarray] = []

    def score(truth: np.ndarray, predicted: np.ndarray) -> float:
        asked.append(truth)
        return [0.1, 0.7, 0.7, 0.3][len(asked) - 1]

    goal = Goal("expression", 8, nn.functional.cross_entropy, lambda outputs: outputs.argmax(1), score)
    with caplog.at_level(logging.INFO):
        tuned = finetune(made, frames, goal, FineTuneOptions(epochs=4, batch_size=16, hidden=(8,)))
    assert tuned.epoch == 2
    assert all(truth is frames["val"].targets for truth in asked)
    golden(caplog.messages[1])


def test_training_is_augmented_and_nothing_else() -> None:
    view = Plain()
    expression(context(view), FineTuneOptions(epochs=3, batch_size=16, hidden=(8,)))
    assert view.augmented == 3 * 48
    view = Plain()
    expression(context(view), FineTuneOptions(epochs=3, batch_size=16, hidden=(8,), augment=False))
    assert view.augmented == 0


def test_the_learning_rate_falls_to_nothing_along_a_cosine(monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    plain_step = torch.optim.Adam.step

    def step(self: torch.optim.Adam, *arguments: Any, **keywords: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return plain_step(self, *arguments, **keywords)

    monkeypatch.setattr(torch.optim.Adam, "step", step)
    expression(context(), FineTuneOptions(epochs=2, batch_size=20, hidden=(8,), lr=0.01))
    # 48 images are two whole batches of 20, twice.
    assert rates == pytest.approx([0.01 * 0.5 * (1 + np.cos(np.pi * step / 4)) for step in range(4)])


def test_frames_without_label_or_unreadable_have_no_part() -> None:
    labels = [*range(8), -1, -1, *range(8)]
    result = expression(context(train=Squares(labels, broken=(0, 1))), FineTuneOptions(epochs=1, hidden=(8,)))
    assert result["frames"]["train"] == 14


def test_balanced_softmax_does_justice_to_what_is_rare() -> None:
    """Twenty to one: the plain cross-entropy calls what is unclear common."""
    rng = np.random.default_rng(0)
    train = Squares([0] * 200 + [1] * 10)
    even = Squares(rng.integers(2, size=60).tolist())
    tuning = FineTuneOptions(epochs=6, batch_size=16, lr=1e-3, hidden=(16,), dropout=0.0)
    found = [
        np.array(
            expression(context(train=train, val=even, test=even), tuning, balanced=balanced)["confusion"]
        )
        for balanced in (True, False)
    ]
    called_rare = [matrix[:, 1].sum() for matrix in found]
    assert called_rare[0] > called_rare[1]


def test_a_class_that_training_never_saw_is_never_the_answer() -> None:
    few = [0, 3, 5] * 16
    result = expression(
        context(train=Squares(few), val=Squares(few), test=Squares(few)),
        FineTuneOptions(epochs=1, hidden=(8,)),
    )
    assert np.array(result["confusion"]).sum(axis=0)[[1, 2, 4, 6, 7]].sum() == 0


def test_a_fine_tuning_that_diverges_is_an_error(golden: Golden) -> None:
    made = context()
    with torch.no_grad():
        made.backbone[0].weight.fill_(torch.nan)
    with pytest.raises(UserError) as caught:
        expression(made, FineTuneOptions(epochs=2, hidden=(8,)))
    golden(str(caught.value))


def test_fine_tuning_without_labels_is_an_error_with_the_split(golden: Golden) -> None:
    for labels in ([-1] * 8, []):
        with pytest.raises(UserError) as caught:
            expression(context(val=Squares(labels)))
        golden(str(caught.value))
