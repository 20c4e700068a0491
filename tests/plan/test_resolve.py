"""From a recipe to a plan, and from the plan's recipe to the same plan."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.plugins import GOOD, NO_IMPORT, FakePlugins
from helpers.recipes import write_recipe

from ssltoolbox.api import Kind
from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import RecipeError, dump

EVERYTHING = {
    "positives": "[time_aug, {name: time_aug, offsets: [1]}]",
    "negatives": "[{name: hard_neg, gap: 1.5}]",
    "optim": "{name: sgd, lr: 3e-4, warmup_epochs: 0.5}",
    "trainer": "{epochs: 3, batch_size: 8, accumulate: 2, loggers: [tensorboard]}",
    "evaluate": "[expression, {name: identity, protocol: knn}]",
}


def again(plan: Plan, folder: Path) -> Plan:
    """The plan of the plan's own recipe, as a run folder has it, read from another working folder."""
    path = folder / "recipe.yaml"
    path.write_text(dump(plan.recipe))
    return load_plan(path, data_needed=False)


def test_the_resolved_recipe_gives_the_same_plan(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path, **EVERYTHING))
    (tmp_path / "run").mkdir()
    assert again(plan, tmp_path / "run") == plan


def test_the_resolved_recipe_has_absolute_paths(
    tmp_path: Path, plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.file("mirror.py")
    recipe = write_recipe(
        plugins.folder,
        data="{name: frames, root: gone}",
        positives="[mirror]",
        trainer="{steps: 5, batch_size: 8}",
        plugins="{files: [mirror.py]}",
    )
    monkeypatch.chdir(plugins.folder)
    plan = load_plan(os.path.relpath(recipe), data_needed=False)
    (tmp_path / "run").mkdir()
    repeated = again(plan, tmp_path / "run")
    # As text: without data the number of epochs is NaN, which equals nothing.
    assert repr(replace(repeated, warnings=())) == repr(replace(plan, warnings=()))
    assert repeated.recipe.data.options["root"] == str(plugins.folder / "gone")
    assert repeated.recipe.plugins.files == (plugins.folder / "mirror.py",)


def test_the_resolved_recipe_has_every_option(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path, method="{name: simclr, temperature: 0.5}"))
    assert plan.recipe.method.options == {
        "temperature": 0.5,
        "hidden_dim": 2048,
        "output_dim": 128,
        "batch_norm": True,
        "loss": "info_nce",
        "rince": {"q": 0.5, "weight": 0.025},
        "soft_contrast": {"share": 0.5, "temperature": 0.05},
    }


def test_one_strategy_twice_has_two_keys(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path, positives="[time_aug, time_aug, {name: time_aug}]"))
    keys = [chosen.key for chosen in plan.of(Kind.POSITIVE_GENERATORS)]
    assert keys == ["time_aug", "time_aug#2", "time_aug#3"]
    assert plan.of(Kind.NEGATIVE_MASKERS) == ()


def test_overrides_reach_the_facts_and_the_views(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path), ["data.clips=50", "views.size=64", "method=none"])
    assert plan.facts is not None
    assert (plan.facts.clips, plan.image_size, plan.trains) == (50, 64, False)


def test_a_broken_file_that_the_recipe_names(
    tmp_path: Path, plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    """It is an error even where nothing in the recipe is known to be of it."""
    monkeypatch.chdir(tmp_path)
    plugins.file("mirror.py", NO_IMPORT)
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path, plugins="{files: [site/mirror.py]}"))
    golden(str(caught.value))
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_component_of_a_broken_plugin(
    tmp_path: Path, plugins: FakePlugins, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    plugins.install("swaps", NO_IMPORT)
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path, positives="[face_blend]"))
    golden(str(caught.value))
    cause = caught.value.__cause__
    assert cause is not None
    assert isinstance(cause.__cause__, ModuleNotFoundError)


def test_a_recipe_without_the_component_of_a_broken_plugin_runs(tmp_path: Path, plugins: FakePlugins) -> None:
    plugins.install("swaps", NO_IMPORT)
    assert load_plan(write_recipe(tmp_path)).warnings == ()


def test_options_are_dumped_by_the_names_that_recipes_use(tmp_path: Path, plugins: FakePlugins) -> None:
    aliased = GOOD.replace("p: float = 0.5", 'p: float = Field(default=0.5, alias="lambda")')
    plugins.install("mirror", "from pydantic import Field\n" + aliased)
    plan = load_plan(write_recipe(tmp_path, positives="[{name: mirror, lambda: 0.25}]"))
    assert plan.recipe.positives[0].options == {"lambda": 0.25}
    (mirror,) = plan.of(Kind.POSITIVE_GENERATORS)
    assert mirror.spelled_out == {"name": "mirror", "lambda": 0.25}
    (tmp_path / "run").mkdir()
    assert again(plan, tmp_path / "run") == plan


@pytest.mark.parametrize(
    "override",
    ["temperature=0.1", "views.temperature=0.1", "method.offsets=[1]", "trainer.protocol=knn", "offsetz=[1]"],
)
def test_an_option_of_a_component_elsewhere_is_told_where_it_belongs(
    override: str, tmp_path: Path, golden: Golden
) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(tmp_path, positives="[time_aug]", evaluate="[identity]"), [override])
    golden("\n".join(problem.render() for problem in caught.value.problems))
