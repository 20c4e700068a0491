"""Recipes that are made or changed in Python: resolved in memory, and mistakes named by their fields."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.plan import load_plan, plan_of
from ssltoolbox.recipe import Component, RecipeError, override_of

SECTIONS = {
    "recipe": 1,
    "name": "mine",
    "data": {"name": "synthetic_faces", "identities": 6, "clips": 40, "frames": 20},
    "backbone": "test_byobnet",
    "method": "simclr",
    "positives": ["time_aug"],
    "views": "standard",
    "optim": {"lr": 1e-3},
    "trainer": {"epochs": 3, "batch_size": 8},
}


@pytest.fixture(autouse=True)
def _no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a recipe of Python is written to no file")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)


def failure(recipe: object, *overrides: str) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        plan_of(recipe, overrides)  # type: ignore[arg-type]
    return caught.value


def test_a_recipe_gives_the_plan_of_its_file(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path, positives="[time_aug]", evaluate="[identity]"))
    assert plan_of(plan.recipe) == plan


def test_a_dict_is_a_recipe() -> None:
    plan = plan_of(SECTIONS)
    assert (plan.recipe.name, plan.method.key, plan.recipe.trainer.epochs) == ("mine", "simclr", 3)


def test_a_mistake_is_named_by_its_field(tmp_path: Path, golden: Golden) -> None:
    recipe = load_plan(write_recipe(tmp_path)).recipe
    wrong = recipe.model_copy(
        update={
            "method": Component(name="simclr", options={"temprature": 0.1}),
            "positives": (Component(name="time_aug"), Component(name="time_augg")),
            "optim": {"lr": "fast"},
        }
    )
    error = failure(wrong)
    assert [(problem.place.file, problem.place.line) for problem in error.problems] == [
        ("method.temprature", 0),
        ("optim.lr", 0),
        ("positives.1.name", 0),
    ]
    golden(str(error))
    assert "tmp" not in str(error)


def test_an_override_rules_out_a_value_of_the_recipe() -> None:
    trainer = plan_of(SECTIONS, ["trainer.steps=5"]).recipe.trainer
    assert (trainer.steps, trainer.epochs) == (5, None)


def test_a_path_is_relative_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pth").touch()
    plan = plan_of(SECTIONS | {"backbone": {"name": "test_byobnet", "weights": "w.pth"}})
    assert plan.recipe.backbone.weights == str(tmp_path / "w.pth")


@pytest.mark.parametrize("text", ["it's: {a} #b", "no", "1e-3", "a\nb"])
def test_a_text_stays_what_it_is(text: str, tmp_path: Path) -> None:
    """No YAML is written and read again."""
    path = write_recipe(tmp_path)
    plan = load_plan(path, [override_of("backbone.options", {"word": text})])
    assert plan.recipe.backbone.options == {"word": text}
    assert plan_of(plan.recipe).recipe == plan.recipe
