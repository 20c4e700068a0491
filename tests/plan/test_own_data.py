"""A downstream task may name its own data: places, suggestions and facts are as for the recipe's."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.recipes import write_recipe

from ssltoolbox.api import Kind
from ssltoolbox.plan import load_plan, plan_of, recipe_schema
from ssltoolbox.recipe import RecipeError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def message(folder: Path, evaluate: str, **sections: str) -> str:
    with pytest.raises(RecipeError) as caught:
        load_plan(write_recipe(folder, evaluate=evaluate, **sections))
    (problem,) = caught.value.problems
    assert problem.place.line == 12
    return f"{problem.place.column}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")


def faces(folder: Path, name: str = "faces") -> None:
    for identity in "abcdefg":
        clip = folder / name / identity / "video" / "clip"
        clip.mkdir(parents=True)
        (clip / "1.jpg").touch()


def test_a_task_s_data_is_resolved_and_written_out(tmp_path: Path) -> None:
    faces(tmp_path)
    plan = load_plan(
        write_recipe(
            tmp_path,
            evaluate="[identity, {name: identity, data: {name: frames, root: faces, val: 0.3, test: 0.3}}]",
        )
    )
    first, second = plan.of(Kind.EVALUATORS)
    assert first.own_data is None
    assert second.own_data is not None
    assert second.own_data.facts is not None
    assert second.own_data.facts.clips == 1, "the hash of its name puts 'd' into train, and nobody else"
    written = plan.recipe.evaluate[1].options["data"]
    assert (written["name"], written["root"]) == ("frames", str(tmp_path / "faces"))
    again = plan_of(plan.recipe)
    assert again.recipe == plan.recipe
    assert again.of(Kind.EVALUATORS)[1].own_data == second.own_data


def test_a_path_is_relative_to_the_file_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    faces(tmp_path / "below")
    write_recipe(
        tmp_path / "below",
        evaluate="[{name: identity, data: {name: frames, root: faces, val: 0.3, test: 0.3}}]",
    )
    (tmp_path / "child.yaml").write_text("recipe: 1\nextends: below/small.yaml\n")
    plan = load_plan(tmp_path / "child.yaml")
    assert plan.recipe.evaluate[0].options["data"]["root"] == str(tmp_path / "below" / "faces")


def test_a_task_s_data_may_be_a_name_alone(tmp_path: Path) -> None:
    plan = load_plan(write_recipe(tmp_path, evaluate="[{name: expression, data: synthetic_faces}]"))
    assert plan.recipe.evaluate[0].options["data"]["world"] == 0


@pytest.mark.parametrize(
    "evaluate",
    [
        "[{name: expression, data: {name: synthetic_face}}]",
        "[{name: expression, data: {name: synthetic_faces, wrld: 1}}]",
        "[{name: expression, data: {name: synthetic_faces, world: one}}]",
        "[{name: expression, dta: {name: synthetic_faces}}]",
        "[{name: expression, data: {world: 1}}]",
        "[{name: expression, data: 3}]",
        "[{name: expression, protocol: fine}]",
        "[{name: expression, protocol: finetune, finetune: {epoch: 3}}]",
        "[{name: expression, finetune: {epochs: 3}}]",
        "[{name: expression, protocol: finetune, k: [1]}]",
        "[{name: identity, protocol: finetune}]",
    ],
)
def test_a_mistake_in_a_task_s_data_is_an_error_at_its_column(
    tmp_path: Path, evaluate: str, golden: Golden
) -> None:
    golden(message(tmp_path, evaluate))


def test_an_option_of_the_data_is_told_apart_from_the_task_s_own(tmp_path: Path) -> None:
    faces(tmp_path)
    text = message(tmp_path, "[{name: identity, data: {name: frames, root: faces}, folds: 3}]")
    assert text.endswith("unknown option 'folds' of evaluator 'identity'; 'folds' belongs under 'data'")


def test_what_a_task_needs_is_asked_of_its_own_data(tmp_path: Path, golden: Golden) -> None:
    faces(tmp_path)
    golden(message(tmp_path, "[{name: expression, data: {name: frames, root: faces}}]"))
    labelled = "[{name: expression, data: synthetic_faces}]"
    recipe = write_recipe(
        tmp_path,
        data="{name: frames, root: faces}",
        evaluate=labelled,
        trainer="{steps: 1, batch_size: 2}",
    )
    assert load_plan(recipe).of(Kind.EVALUATORS)


def test_data_that_is_not_there(tmp_path: Path, golden: Golden) -> None:
    recipe = write_recipe(tmp_path, evaluate="[{name: identity, data: {name: frames, root: gone}}]")
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe)
    (problem,) = caught.value.problems
    assert (problem.place.line, problem.place.column) == (12, 56)
    golden(problem.message)
    (warning,) = load_plan(recipe, data_needed=False).warnings
    assert warning.warning


def test_the_json_schema_completes_a_task_s_data() -> None:
    schema = recipe_schema()
    tasks = schema["properties"]["evaluate"]["items"]["anyOf"][1:]
    assert tasks
    for task in tasks:
        assert task["properties"]["data"]["anyOf"] == [{"$ref": "#/properties/data"}, {"type": "null"}]
    (names,) = [data["enum"] for data in schema["properties"]["data"]["anyOf"] if "enum" in data]
    assert {"affectnet", "fer2013", "frames", "labelled", "lfw", "raf_db", "synthetic_faces"} <= set(names)
