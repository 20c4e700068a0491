from collections.abc import Callable
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.reading import loaded as load
from helpers.reading import recipe_in

from ssltoolbox.recipe import Component, Recipe, RecipeError, read
from ssltoolbox.recipe.schema import FlatComponent
from ssltoolbox.recipe.sections import TOP_LEVEL_KINDS

Write = Callable[..., Path]
Complain = Callable[..., str]


def test_a_recipe_is_read_from_text_and_overrides(write: Write, base: str, tmp_path: Path) -> None:
    text = base + "seed: 3\npositives: [time_aug, {name: face_swap, p: 0.8}]\nplugins: {files: [p.py]}\n"
    loaded = load(write(text, "recipes/paper-g.yaml"), ["backbone.weights=w.safetensors"])
    recipe = Recipe.model_construct(**loaded.sections)
    assert (recipe.recipe, recipe.name, recipe.seed) == (1, "paper-g", 3)
    assert recipe.method == Component(name="simclr", options={"temperature": 0.07})
    assert [generator.options for generator in recipe.positives] == [{}, {"p": 0.8}]
    assert recipe.backbone.weights == str(tmp_path / "w.safetensors")
    assert recipe.plugins.files == (tmp_path / "recipes" / "p.py",)
    assert (recipe.optim.lr, recipe.optim.betas, recipe.optim.warmup_epochs) == (3e-4, (0.9, 0.999), 0.0)
    assert (recipe.trainer.epochs, recipe.trainer.steps, recipe.trainer.workers) == (300, None, "auto")
    assert loaded.source == tmp_path / "recipes" / "paper-g.yaml"
    assert set(loaded.sections) == set(Recipe.model_fields)


def test_a_recipe_is_frozen(write: Write) -> None:
    recipe = recipe_in(write())
    with pytest.raises(ValueError, match="frozen"):
        recipe.seed = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("g.yaml", "g"),
        ("my first recipe!.yaml", "my-first-recipe"),
        ("visage-é.v2.yaml", "visage-é.v2"),
        ("-.yaml", "recipe"),
        ("a" * 80 + ".yaml", "a" * 60),
    ],
)
def test_a_recipe_without_a_name_is_called_after_its_file(
    write: Write, base: str, file: str, name: str
) -> None:
    assert recipe_in(write(base, file)).name == name


@pytest.mark.parametrize("weights", ["null", "imagenet"])
def test_weights_that_are_no_file(write: Write, weights: str) -> None:
    recipe = recipe_in(write(), [f"backbone.weights={weights}"])
    assert recipe.backbone.weights == (None if weights == "null" else "imagenet")


def test_all_problems_at_once_sorted_by_place(complain: Complain, golden: Golden) -> None:
    text = """\
recipe: 2
data: {nam: frames}
epochs: 5
method: {name: simclr, temperature: 0.07}
backbone: {name: resnet50, wieghts: null}
views: [paper]
optim: {name: adamw, lr: '3e-4', epochs: 5}
positives: time_aug
maskers: [3]
trainer:
  epochs: true
seed: 1
seed: 2
"""
    golden(complain(text, "optim.betas=[1, 0.9]", "seed.x=1"))


@pytest.mark.parametrize(
    ("overrides", "column"),
    [
        (["trainer.steps=5", "trainer.epochs=5"], 9),
        (["name=a/b"], 6),
        (["name=.."], 6),
        (["seed=4294967296"], 6),
        (["trainer.batch_size=1"], 20),
        (["trainr.epochs=5"], 1),
        (["exends=base.yaml"], 1),
    ],
)
def test_rules_of_the_recipe(
    complain: Complain, base: str, overrides: list[str], column: int, golden: Golden
) -> None:
    text = complain(base, *overrides)
    assert text.startswith(f"--set:1:{column}: ")
    golden(text)


def test_a_problem_inherited_is_reported_in_its_file(write: Write, base: str, golden: Golden) -> None:
    write(base.replace("lr: 3e-4", "lr: fast"), "base.yaml")
    with pytest.raises(RecipeError) as caught:
        load(write("extends: base.yaml"))
    golden(str(caught.value))


def test_reading_does_not_raise_and_keeps_what_is_valid(write: Write, base: str) -> None:
    text = base.replace("lr: 3e-4", "lr: fast") + "plugins: {files: [p.py]}\npositives: [a, {b: 1}, 3]\n"
    loaded, problems = read(write(text))
    assert loaded is not None
    assert [p.place.line for p in problems] == [6, 9, 9]
    assert set(Recipe.model_fields) - set(loaded.sections) == {"optim", "positives"}
    assert loaded.sections["plugins"].files == (Path(loaded.source).parent / "p.py",)
    assert loaded.sections["trainer"].batch_size == 256
    assert loaded.sections["maskers"] == ()


def test_reading_what_is_no_recipe(write: Write) -> None:
    loaded, problems = read(write("a: ["))
    assert loaded is None
    assert [(problem.place.line, problem.place.column) for problem in problems] == [(1, 5)]


def test_component_nodes_are_given_whatever_is_wrong_elsewhere(write: Write) -> None:
    text = "data: frames\nmethod: {name: 3}\npositives: [a, {b: 1}, {name: c, p: 1}]\nmaskers: d\n"
    text += "views: {name: v}"
    loaded, _ = read(write(text))
    assert loaded is not None
    found = [(c.kind.section, c.index, c.name, c.options.plain()) for c in loaded.component_nodes()]
    assert found == [
        ("data", None, "frames", {}),
        ("views", None, "v", {}),
        ("positives", 0, "a", {}),
        ("positives", 2, "c", {"p": 1}),
    ]
    last = list(loaded.component_nodes())[-1]
    assert (last.name_place.line, last.name_place.column) == (3, 31)
    assert last.options.best_place.column == 24


def test_node_is_the_nearest_there_is(write: Write, base: str) -> None:
    loaded = load(write(base + "positives: [{name: a, p: 1}]\n"))
    assert loaded.node("positives", 0, "p").value == 1
    assert loaded.node("positives", 0, "q").place.column == 13
    assert loaded.node("positives", 3, "q").best_place.column == 1
    assert loaded.node("nothing") is loaded.tree


def test_the_sections_of_components_are_those_of_the_recipe() -> None:
    fields = {name: field.rebuild_annotation() for name, field in Recipe.model_fields.items()}
    one = {name for name, type_ in fields.items() if type_ == FlatComponent}
    many = {name for name, type_ in fields.items() if type_ == tuple[FlatComponent, ...]}
    assert one == {kind.section for kind in TOP_LEVEL_KINDS if not kind.many}
    assert many == {kind.section for kind in TOP_LEVEL_KINDS if kind.many}


def test_own_keys_are_what_the_parent_does_not_set(write: Write, base: str) -> None:
    write(base, "parent.yaml")
    child = write("extends: parent.yaml\nmaskers: [{name: mask_fn, attract: 0.8}]\n", "child.yaml")
    own = load(child, ["seed=3"]).own_keys
    assert {"maskers.0.name", "maskers.0.attract", "seed"} <= set(own)
    assert "method.temperature" not in own
    assert load(child.parent / "parent.yaml", ["seed=3"]).own_keys == ("seed",)
    assert load(child.parent / "parent.yaml").own_keys == ()
