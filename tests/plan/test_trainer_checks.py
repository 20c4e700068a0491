"""Trainer options against the components of a recipe; `tests/golden` has the texts of the errors."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.recipes import write_recipe

from ssltoolbox.api import UserError
from ssltoolbox.plan import load_plan
from ssltoolbox.plan.trainer_checks import norm_instances


@pytest.mark.parametrize(
    ("trainer", "together"),
    [
        ("", 16),
        ("accumulate: 2", 8),
        ("chunk_size: 4", 4),
        ("chunk_size: 64", 16),
        ("chunk_size: 4, devices: 2", 8),
        ("chunk_size: 4, devices: 2, sync_batch_norm: false", 4),
        ("devices: 2, sync_batch_norm: false", 8),
        ("sync_batch_norm: false", 0),
    ],
)
@pytest.mark.parametrize("shuffled", [True, False])
def test_mocov2_warns_of_batch_norm_that_does_not_suit_its_keys(
    trainer: str, together: int, shuffled: bool, tmp_path: Path
) -> None:
    """Small groups need shuffled keys, and a whole batch does not use them."""
    plan = load_plan(
        write_recipe(
            tmp_path,
            method=f"{{name: mocov2, queue: 64, shuffle_keys: {str(shuffled).lower()}}}",
            trainer=f"{{epochs: 3, batch_size: 16, {trainer}}}",
        )
    )
    assert norm_instances(plan) == together
    warned = bool(together) and (together < plan.counts.compared) != shuffled
    assert len(plan.warnings) == warned
    assert all("mocov2" in warning.message for warning in plan.warnings)


def test_fsdp_is_refused_with_the_reason(tmp_path: Path) -> None:
    recipe = write_recipe(tmp_path, trainer="{epochs: 3, batch_size: 16, strategy: fsdp}")
    with pytest.raises(UserError, match="checkpoints need the whole weights"):
        load_plan(recipe)
    assert load_plan(recipe, ["trainer.strategy=ddp"]).recipe.trainer.strategy == "ddp"
