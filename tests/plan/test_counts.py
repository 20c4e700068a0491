"""How much a step and a run see."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.plan import Counts, load_plan


@pytest.mark.parametrize(
    ("negatives", "hard", "batch", "draws", "per_epoch"),
    [
        ("[]", 0, 8, 8, 5),
        ("[hard_neg]", 1, 8, 4, 10),
        ("[{name: hard_neg, count: 2}]", 2, 12, 4, 10),
        ("[hard_neg, {name: hard_neg, gap: 1.5}]", 2, 12, 4, 10),
        ("[hard_neg, {name: hard_neg, count: 2}]", 3, 12, 3, 13),
    ],
)
def test_hard_negatives_share_the_batch(
    tmp_path: Path, negatives: str, hard: int, batch: int, draws: int, per_epoch: int
) -> None:
    recipe = write_recipe(tmp_path, negatives=negatives, trainer=f"{{epochs: 3, batch_size: {batch}}}")
    assert load_plan(recipe).counts == Counts(
        instances=batch,
        compared=batch,
        draws=draws,
        hard_negatives=hard,
        images=2 * batch,
        steps_per_epoch=per_epoch,
        steps=3 * per_epoch,
        epochs=3.0,
    )


def test_a_method_of_one_side_sees_an_image_of_each_instance(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, method="supervised", trainer="{epochs: 1, batch_size: 8}")
    counts = load_plan(recipe).counts
    assert (counts.instances, counts.images) == (8, 8)


def test_a_run_of_steps_has_a_fraction_of_epochs(tmp_path: Path) -> None:
    counts = load_plan(write_recipe(tmp_path, trainer="{steps: 12, batch_size: 8}")).counts
    assert (counts.steps, counts.steps_per_epoch, counts.epochs) == (12, 5, 2.4)


def test_accumulation_divides_what_is_compared_and_nothing_else(tmp_path: Path) -> None:
    trainer = "{epochs: 1, batch_size: 16, accumulate: 4}"
    counts = load_plan(write_recipe(tmp_path, negatives="[hard_neg]", trainer=trainer)).counts
    assert (counts.instances, counts.compared, counts.draws, counts.steps) == (16, 4, 8, 5)


def test_without_data_epochs_are_unknown(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, data="{name: frames, root: gone}", trainer="{steps: 12, batch_size: 8}")
    counts = load_plan(recipe, data_needed=False).counts
    assert (counts.steps, counts.steps_per_epoch) == (12, 0)
    assert math.isnan(counts.epochs)


def test_a_long_warm_up_is_shortened_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = load_plan(write_recipe(tmp_path, optim="{lr: 1e-3, warmup_epochs: 10}"))
    assert (plan.schedule.warmup, plan.schedule.steps) == (15, 15)
    (warning,) = plan.warnings
    golden(warning.render())


def test_a_warm_up_in_steps_does_not_depend_on_the_strategies(tmp_path: Path, golden: Golden) -> None:
    """With a hard negative each, an epoch has twice the steps."""
    for negatives in ("[]", "[hard_neg]"):
        recipe = write_recipe(tmp_path, negatives=negatives, optim="{lr: 1e-3, warmup_steps: 7}")
        assert load_plan(recipe).schedule.warmup == 7
    (warning,) = load_plan(write_recipe(tmp_path, optim="{lr: 1e-3, warmup_steps: 99}")).warnings
    assert (warning.place.line, warning.place.column) == (10, 33)
    golden(warning.message)
