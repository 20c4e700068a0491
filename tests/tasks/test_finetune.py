"""Fine-tuning: the head and the schedule of the paper, the epoch chosen on val, nothing leaked from test."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers.golden import Golden
from helpers.runs import write_recipe
from helpers.squares import Plain, Squares, context, small_net
from torch import Tensor, nn

from ssltoolbox.api import EvaluationContext, Split, UserError
from ssltoolbox.engine.scoring.fitting import ResumableFit
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.tasks.expression import Expression
from ssltoolbox.tasks.finetune import finetune, head
from ssltoolbox.tasks.frames import in_batches, labelled_frames
from ssltoolbox.tasks.goal import Goal
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
        "chance", "majority", "frames", "absent", "resamples", "val",
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


def by_hand(made: EvaluationContext, frames: Any, goal: Goal, options: FineTuneOptions) -> np.ndarray:
    """Fine-tuning in a plain loop: the outputs [n, C] for the test split."""
    torch.manual_seed(made.seed)
    top = head(made.feature_dim, goal.outputs, options.hidden, options.dropout)
    network = nn.Sequential(made.backbone, top)
    steps = len(frames["train"]) // options.batch_size
    optimiser = torch.optim.Adam(network.parameters(), options.lr, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, options.epochs * steps)
    rng = np.random.default_rng(made.seed)

    def outputs(split: Split) -> np.ndarray:
        network.eval()
        batches = made.read(made.datasets[split], frames[split].clip, frames[split].frame, 1000)
        with torch.no_grad():
            return torch.cat([network(made.view.plain(batch.images)) for batch in batches]).numpy()

    best, predicted = -np.inf, np.zeros(0)
    for _ in range(options.epochs):
        order = rng.permutation(len(frames["train"]))[: steps * options.batch_size]
        network.train()
        for images, targets in in_batches(made, frames["train"], order, options.batch_size):
            loss = goal.loss(network(Noisy().augment(images)), targets)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        score = goal.score(frames["val"].targets, goal.decode(outputs("val")))
        if score > best:
            best, predicted = score, outputs("test")
    return predicted


class Noisy(Plain):
    """Augments by noise from the global generator."""

    def augment(self, images: Tensor, landmarks: Tensor | None = None, side: str = "a") -> Tensor:
        return self.plain(images) + 0.1 * torch.randn(images.shape)


TUNING = FineTuneOptions(epochs=3, batch_size=20, hidden=(8,), lr=3e-3)
GOAL = Goal("expression", 8, nn.functional.cross_entropy, lambda outputs: outputs, lambda truth, out: 0.0)


def recipe_plan(folder: Path, *changes: str) -> Plan:
    recipe = write_recipe(folder)
    return load_plan(recipe, ["trainer.checkpoint_steps=2", *changes])


def resumable(folder: Path, *changes: str) -> EvaluationContext:
    """A context whose trainings are saved."""
    fit = ResumableFit(recipe_plan(folder, *changes), torch.device("cpu"), folder / "checkpoints")
    return replace(context(Noisy()), fit=fit)


@pytest.fixture
def goal() -> Goal:
    """The epoch that counts is the second of three, by its score."""
    scores = iter([0.1, 0.7, 0.3] * 9)
    return replace(GOAL, score=lambda truth, predicted: next(scores))


@pytest.mark.parametrize("saved", [False, True])
def test_fine_tuning_is_the_plain_loop_to_the_bit(tmp_path: Path, goal: Goal, saved: bool) -> None:
    made = resumable(tmp_path) if saved else context(Noisy())
    frames = labelled_frames(made, ["expression"], "expression")
    tuned = finetune(made, frames, goal, TUNING)
    assert tuned.epoch == 2
    with torch.random.fork_rng():
        expected = by_hand(context(Noisy()), frames, goal, TUNING)
    np.testing.assert_array_equal(tuned.predicted, expected)


@pytest.mark.parametrize("step", [1, 2, 5])
def test_a_stopped_fine_tuning_is_resumed_to_the_bit(tmp_path: Path, step: int) -> None:
    """In the middle of an epoch, at its end, and behind the best one."""
    made = resumable(tmp_path)
    frames = labelled_frames(made, ["expression"], "expression")
    goal = replace(GOAL, score=lambda truth, predicted: float(-abs(predicted).sum()))
    whole = finetune(replace(made, backbone=small_net(), fit=context().fit), frames, goal, TUNING)
    ticks: list[int] = []

    @contextmanager
    def stopping(total: int, unit: str) -> Iterator[Callable[[int], None]]:
        def tick(done: int) -> None:
            ticks.append(done)
            if sum(ticks) == step:
                signal.raise_signal(signal.SIGTERM)

        yield tick

    with pytest.raises(KeyboardInterrupt):
        finetune(replace(made, backbone=small_net(), progress=stopping), frames, goal, TUNING)
    assert ticks == [1] * step
    resumed = finetune(replace(made, backbone=small_net(), progress=stopping), frames, goal, TUNING)
    assert ticks == [1] * step + [step] + [1] * (6 - step)
    assert resumed.epoch == whole.epoch
    np.testing.assert_array_equal(resumed.predicted, whole.predicted)


def test_a_finished_fine_tuning_is_not_repeated(tmp_path: Path) -> None:
    made = resumable(tmp_path)
    frames = labelled_frames(made, ["expression"], "expression")
    first = finetune(replace(made, backbone=small_net()), frames, GOAL, TUNING)
    made.view.augmented = 0
    again = finetune(replace(made, backbone=small_net()), frames, GOAL, TUNING)
    np.testing.assert_array_equal(again.predicted, first.predicted)
    (file,) = (tmp_path / "checkpoints").iterdir()
    others = (
        replace(made, backbone=small_net(), seed=1),
        replace(resumable(tmp_path, "seed=7"), backbone=small_net()),
    )
    for other in others:
        finetune(other, frames, GOAL, TUNING)
    assert len(list((tmp_path / "checkpoints").iterdir())) == 3
    assert file.exists()


def test_the_recipes_precision_is_that_of_training(tmp_path: Path) -> None:
    made = resumable(tmp_path, "trainer.precision=bf16")
    frames = labelled_frames(made, ["expression"], "expression")
    seen: list[Any] = []

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        seen.append((outputs.dtype, torch.is_autocast_enabled("cpu")))
        return nn.functional.cross_entropy(outputs, targets)

    reduced = finetune(made, frames, replace(GOAL, loss=loss), TUNING)
    plain = finetune(context(Noisy()), frames, GOAL, TUNING)
    assert set(seen) == {(torch.float32, True)}
    assert not np.array_equal(reduced.predicted, plain.predicted)
