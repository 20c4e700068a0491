"""Keys that only some components of a kind look at are refused beside the others."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.recipes import write_recipe

from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError


@pytest.mark.parametrize(
    ("overrides", "column", "facts"),
    [
        (["optim.momentum=0.5"], 7, ("'adamw'", "momentum")),
        (["optim={name: sgd, lr: 1, betas: [0.5, 0.9]}"], 26, ("'sgd'", "betas")),
        (["optim.schedule=constant", "optim.final_lr_fraction=0.1"], 7, ("'constant'", "final_lr_fraction")),
        (["optim.name=lamb", "optim.betas=[0.5, 0.9]"], 7, ("'lamb'", "betas")),
    ],
)
def test_a_key_that_the_component_does_not_use(
    overrides: list[str], column: int, facts: tuple[str, ...], tmp_path: Path
) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path), overrides)
    (problem,) = caught.value.problems
    assert (problem.place.file, problem.place.column) == ("--set", column)
    assert all(fact in problem.message for fact in facts)


def test_its_default_is_no_mistake(tmp_path: Path) -> None:
    assert load_plan(write_recipe(tmp_path), ["optim.momentum=0.9"]).recipe.optim.momentum == 0.9
