"""The runs of a grid, their keys, and what is wrong between a grid and its recipes."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.reading import recipe_in
from helpers.recipes import write_recipe

from ssltoolbox.bench.grid import load_grid
from ssltoolbox.bench.jobs import Job, plan_jobs
from ssltoolbox.recipe import RecipeError

PLUGIN = """\
from ssltoolbox.api import Descriptor, hookimpl

@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="mine", summary="Mine.", target="mine:Mine", api=2)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files relative to the working folder."""
    monkeypatch.chdir(tmp_path)
    write_recipe(tmp_path, "a.yaml", name="a")
    write_recipe(tmp_path, "b.yaml", name="b", method="byol", trainer="{steps: 7, batch_size: 8}")


def jobs(text: str, code: str = "1", data_needed: bool = True) -> list[Job]:
    Path("grid.yaml").write_text(text)
    return list(plan_jobs(load_grid(Path("grid.yaml")), code, data_needed).all)


def problems(text: str) -> str:
    with pytest.raises(RecipeError) as caught:
        jobs(text)
    return str(caught.value)


def test_seeds_by_recipes_by_points() -> None:
    found = jobs("recipes: [a.yaml, b.yaml]\nseeds: [3, 5]\nsweep: {data.world: [0, 1], optim.lr: [0.1]}")
    assert [(job.recipe, job.point["data.world"], job.point["optim.lr"], job.seed) for job in found] == [
        (recipe, world, 0.1, seed) for seed in (3, 5) for recipe in "ab" for world in (0, 1)
    ]
    assert {job.recipe: job.steps for job in found} == {"a": 15, "b": 7}
    assert len({job.key for job in found}) == len(found)


VARIANTS = """\
recipes: [a.yaml, b.yaml]
variants:
  time: {set: {positives: [time_aug]}}
  hard:
    extends: time
    set: {negatives: [hard_neg]}
    recipes: [a]
"""


def test_variants_are_rows_beside_the_recipe_itself() -> None:
    found = jobs(VARIANTS)
    assert [(job.recipe, job.unchanged, job.variant) for job in found] == [
        ("a", None, None),
        ("a-time", "a", "time"),
        ("a-hard", "a", "hard"),
        ("b", None, None),
        ("b-time", "b", "time"),
    ]
    assert [("time_aug" in job.text, "hard_neg" in job.text) for job in found[:3]] == [
        (False, False),
        (True, False),
        (True, True),
    ]
    # The rows without a variant are those of a grid without variants.
    assert [job.key for job in found if job.variant is None] == [
        job.key for job in jobs("recipes: [a.yaml, b.yaml]")
    ]


def test_a_variant_adds_to_the_lists_of_a_recipe() -> None:
    _, added, both = jobs(
        "recipes: [a.yaml]\nvariants:\n"
        "  one: {set: {positives.+: time_aug}}\n"
        "  two: {extends: one, set: {positives.+: {name: cut_mix}}}"
    )
    assert ("time_aug" in added.text, "cut_mix" in added.text) == (True, False)
    assert both.text.index("time_aug") < both.text.index("cut_mix")


def test_a_variant_wins_over_what_is_set_for_all() -> None:
    plain, changed = jobs(
        "recipes: [a.yaml]\nset: {trainer.steps: 3}\nvariants: {long: {set: {trainer.steps: 9}}}"
    )
    assert (plain.steps, changed.steps) == (3, 9)


def test_a_recipe_that_a_variant_names_must_be_in_the_grid(golden: Golden) -> None:
    golden(problems(VARIANTS.replace("    recipes: [a]", "    recipes: [aa]")))


def test_a_variant_that_a_method_refuses(golden: Golden) -> None:
    golden(problems(VARIANTS.replace("    recipes: [a]\n", "")))


def test_the_text_is_the_whole_recipe(tmp_path: Path) -> None:
    (job,) = jobs(
        "recipes: [b.yaml]\nseeds: [4]\n"
        "tasks: [identity, {name: expression, protocol: knn}]\nset: {trainer.steps: 9}"
    )
    path = tmp_path / "elsewhere.yaml"
    path.write_text(job.text)
    recipe = recipe_in(path)
    assert (recipe.name, recipe.seed, recipe.trainer.steps, recipe.method.name) == ("b", 4, 9, "byol")
    assert [task.name for task in recipe.evaluate] == ["identity", "expression"]
    assert recipe.evaluate[1].options["protocol"] == "knn"
    assert (job.steps, job.evaluates) == (9, True)


def test_the_key_changes_with_the_recipe_the_seed_and_the_code_alone() -> None:
    def key(text: str, code: str = "1") -> str:
        return jobs(f"recipes: [b.yaml]\n{text}", code)[0].key

    same = key("")
    assert key("seeds: [0]\nset: {optim.lr: 1e-3}\nbaseline: b") == same
    changed = [key("seeds: [1]"), key("set: {optim.lr: 2e-3}"), key("tasks: [identity]"), key("", code="2")]
    assert len({same, *changed}) == 5


def test_a_plugin_of_a_recipe_is_code_too(tmp_path: Path) -> None:
    plugin = tmp_path / "mine.py"
    plugin.write_text(PLUGIN)
    write_recipe(tmp_path, "a.yaml", name="a", plugins="{files: [mine.py]}")
    before = jobs("recipes: [a.yaml]")[0].key
    plugin.write_text(f"{PLUGIN}# changed\n")
    assert jobs("recipes: [a.yaml]")[0].key != before


def test_an_unknown_option_is_shown_in_the_grid_once(golden: Golden) -> None:
    golden(problems("recipes: [a.yaml]\nset: {optim.rl: 0.1}\nsweep: {data.world: [0, 1], method.tau: [1]}"))


def test_a_wrong_value_is_shown_where_it_stands(golden: Golden) -> None:
    golden(problems("recipes: [a.yaml]\nsweep:\n  optim.lr:\n    - 0.1\n    - fast"))


def test_an_unknown_task_is_an_error_with_a_suggestion() -> None:
    text = problems("recipes: [a.yaml]\ntasks: [identty]")
    assert text.startswith("grid.yaml:2:9: ")
    assert "'identity'" in text


def test_the_problems_of_all_recipes(tmp_path: Path) -> None:
    write_recipe(tmp_path, "a.yaml", optim="{lr: x}")
    write_recipe(tmp_path, "b.yaml", method="simclar")
    text = problems("recipes: [a.yaml, b.yaml]")
    assert "a.yaml:10:13: " in text
    assert "b.yaml:5:9: " in text
    assert "2 problems" in text


def test_two_recipes_of_one_name(tmp_path: Path, golden: Golden) -> None:
    write_recipe(tmp_path, "c.yaml", name="a")
    golden(problems("recipes: [a.yaml, c.yaml]"))


def test_an_unknown_baseline_is_an_error(golden: Golden) -> None:
    golden(problems("recipes: [a.yaml, b.yaml]\nbaseline: simclr"))


def test_an_unknown_recipe_to_compare_is_an_error_where_it_is_named(golden: Golden) -> None:
    golden(problems("recipes: [a.yaml, b.yaml]\ncompare:\n  - [a, b]\n  - [b, simclr]"))


def test_data_that_is_not_there(tmp_path: Path) -> None:
    """A dry run warns of it, a run is refused."""
    write_recipe(tmp_path, "a.yaml", data="{name: frames, root: gone}")
    assert problems("recipes: [a.yaml]").startswith("a.yaml:3:28: ")
    assert jobs("recipes: [a.yaml]", data_needed=False)[0].steps == 0
