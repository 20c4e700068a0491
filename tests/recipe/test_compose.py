from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.golden import Golden
from helpers.reading import composed

from ssltoolbox.recipe import RecipeError, resolve_path

Write = Callable[..., Path]


def merged(write: Write, parent: str, child: str) -> Any:
    write(parent, "base.yaml")
    return composed(write("extends: base.yaml\n" + child)).plain()


def complaint(path: Path) -> str:
    with pytest.raises(RecipeError) as caught:
        composed(path)
    return str(caught.value)


def test_a_child_wins_mappings_merge_and_a_list_replaces(write: Write) -> None:
    parent = "seed: 1\ntrainer: {epochs: 3, loggers: [wandb]}\nevaluate: [a, b]"
    child = "seed: 2\ntrainer: {loggers: []}\nevaluate: [c]"
    assert merged(write, parent, child) == {
        "seed": 2,
        "trainer": {"epochs": 3, "loggers": []},
        "evaluate": [{"name": "c"}],
    }


@pytest.mark.parametrize(
    ("parent", "child", "expected"),
    [
        ("{name: a, p: 1}", "{name: b}", {"name": "b"}),
        ("{name: a, p: 1}", "b", {"name": "b"}),
        ("{name: a, p: 1}", "{name: a, q: 2}", {"name": "a", "p": 1, "q": 2}),
        ("{name: a, p: 1}", "a", {"name": "a", "p": 1}),
        ("a", "{p: 2}", {"name": "a", "p": 2}),
        ("{name: a, p: {x: 1, y: 2}}", "{p: {x: 3}}", {"name": "a", "p": {"x": 3, "y": 2}}),
    ],
)
def test_a_component_of_another_name_takes_none_of_the_options(
    write: Write, parent: str, child: str, expected: object
) -> None:
    assert merged(write, f"method: {parent}", f"method: {child}") == {"method": expected}


@pytest.mark.parametrize("child", ["backbone: resnet18", "backbone: {name: resnet18}"])
def test_a_backbone_of_another_name_takes_none_of_the_options(write: Write, child: str) -> None:
    parent = "backbone: {name: resnet10t, weights: w.pth, stem: small, options: {stem_width: 8}}"
    assert merged(write, parent, child) == {"backbone": {"name": "resnet18"}}
    assert merged(write, parent, "backbone: {weights: null}")["backbone"]["options"] == {"stem_width": 8}


def test_an_optimiser_of_another_name_keeps_the_options(write: Write) -> None:
    assert merged(write, "optim: {name: sgd, warmup_epochs: 10}", "optim: adam") == {
        "optim": {"name": "adam", "warmup_epochs": 10},
    }


def test_the_name_of_a_recipe_is_its_own(write: Write) -> None:
    assert merged(write, "name: base\nseed: 1", "") == {"seed": 1}
    assert merged(write, "name: base\nseed: 1", "name: mine") == {"seed": 1, "name": "mine"}


def test_paths_belong_to_the_file_that_names_them(write: Write, tmp_path: Path) -> None:
    write("data: {name: frames, index: vox.index}\nplugins: {files: [p.py]}", "shared/base.yaml")
    tree = composed(write("extends: ../shared/base.yaml\nplugins: {files: [q.py]}", "mine/x.yaml"))
    index = tree.mapping["data"].mapping["index"]
    file = tree.mapping["plugins"].mapping["files"].child(0)
    assert file is not None
    assert resolve_path(index) == tmp_path / "shared" / "vox.index"
    assert resolve_path(file) == tmp_path / "mine" / "q.py"


def test_a_recipe_inherits_over_two_generations(write: Write) -> None:
    write("seed: 1\ntrainer: {epochs: 1, steps: 1}", "a.yaml")
    write("extends: a.yaml\ntrainer: {steps: 2, nodes: 2}", "b.yaml")
    tree = composed(write("extends: b.yaml\ntrainer: {nodes: 3}"))
    assert tree.plain() == {"seed": 1, "trainer": {"epochs": 1, "steps": 2, "nodes": 3}}


def test_a_circle_is_refused_with_its_chain(write: Write, golden: Golden) -> None:
    write("extends: b.yaml", "a.yaml")
    write("extends: c.yaml", "b.yaml")
    write("seed: 1\nextends: b.yaml", "c.yaml")
    golden(complaint(Path("a.yaml")))


def test_a_circle_over_a_link_is_refused(write: Write, tmp_path: Path, golden: Golden) -> None:
    path = write("extends: link.yaml")
    (tmp_path / "link.yaml").symlink_to("x.yaml")
    golden(complaint(path))


def test_a_missing_parent_is_reported_where_it_is_named(write: Write, golden: Golden) -> None:
    write("seed: 1", "recipes/base.yaml")
    golden(complaint(write("extends: bse.yaml", "recipes/x.yaml")))


def test_a_missing_parent_is_an_error_with_the_searched_folders(write: Write, golden: Golden) -> None:
    golden(complaint(write("extends: elsewhere.yaml", "recipes/x.yaml")))


def test_problems_inside_a_parent_are_reported_there_with_those_of_the_child(
    write: Write, golden: Golden
) -> None:
    write("seed: 1\nseed: 2", "base.yaml")
    golden(complaint(write("extends: base.yaml\na: !x 1")))


def test_extends_is_one_path(write: Write, golden: Golden) -> None:
    golden(complaint(write("extends: [a.yaml, b.yaml]")))
    assert composed(write("extends: null\nseed: 1")).plain() == {"seed": 1}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "- a",
    ],
)
def test_what_is_no_recipe(write: Write, text: str, golden: Golden) -> None:
    golden(complaint(write(text)))


def test_a_missing_recipe_is_an_error_with_a_suggestion(write: Write, golden: Golden) -> None:
    write(name="mine.yaml")
    golden(complaint(Path("mien.yaml")))
