from collections.abc import Callable
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from helpers.golden import Golden
from helpers.reading import composed

from ssltoolbox.recipe import RecipeError, resolve_path

Write = Callable[..., Path]

TEXT = """\
seed: 1
method: {name: simclr, temperature: 0.07}
positives: [time_aug, {name: face_swap, p: 0.8}]
trainer: {epochs: 3}
plugins:
"""


def with_set(write: Write, *overrides: str) -> Any:
    return composed(write(TEXT), overrides).plain()


@pytest.mark.parametrize(
    ("override", "section", "expected"),
    [
        ("seed=7", "seed", 7),
        ("trainer.epochs=1e1", "trainer", {"epochs": 10.0}),
        ("trainer.precision=bf16", "trainer", {"epochs": 3, "precision": "bf16"}),
        ("trainer={steps: 5}", "trainer", {"steps": 5}),
        ("trainer.epochs=", "trainer", {"epochs": None}),
        ("backbone.name=resnet18", "backbone", {"name": "resnet18"}),
        ("backbone=resnet18", "backbone", {"name": "resnet18"}),
        ("plugins.files=[a=b.py]", "plugins", {"files": ["a=b.py"]}),
        ("method=byol", "method", {"name": "byol"}),
        ("method.name=byol", "method", {"name": "byol"}),
        ("method.name=simclr", "method", {"name": "simclr", "temperature": 0.07}),
        ("positives.0.p=0.5", "positives", [{"name": "time_aug", "p": 0.5}, {"name": "face_swap", "p": 0.8}]),
        ("positives.1.name=cut_mix", "positives", [{"name": "time_aug"}, {"name": "cut_mix"}]),
        ("positives.1=cut_mix", "positives", [{"name": "time_aug"}, {"name": "cut_mix"}]),
        ("positives=[]", "positives", []),
        ("maskers.+=fnc", "maskers", [{"name": "fnc"}]),
        ("plugins.files.+=a.py", "plugins", {"files": ["a.py"]}),
        ('name="a\\x62"', "name", "ab"),
    ],
)
def test_set_changes_a_value(write: Write, override: str, section: str, expected: object) -> None:
    assert with_set(write, override)[section] == expected


def test_the_last_of_two_for_one_key_wins(write: Write) -> None:
    assert with_set(write, "seed=2", "seed=3")["seed"] == 3


def test_no_override_is_lost_whatever_the_order(write: Write) -> None:
    overrides = ["method.momentum=0.99", "method={name: mocov2, size: 8}", "method.name=byol"]
    for order in permutations(overrides):
        assert with_set(write, *order)["method"] == {"name": "byol", "momentum": 0.99}


def test_elements_are_added_at_the_end_of_a_list(write: Write) -> None:
    tree = composed(write(TEXT), ["positives.+={name: cut_mix, p: 0.1}", "positives.+=same_person"])
    *known, cut_mix, same_person = tree.mapping["positives"].plain()
    assert known == with_set(write)["positives"]
    assert (cut_mix, same_person) == ({"name": "cut_mix", "p": 0.1}, {"name": "same_person"})


def test_a_single_value_gets_no_elements(write: Write) -> None:
    with pytest.raises(RecipeError):
        composed(write(TEXT), ["seed.+=2"])


def test_a_path_is_relative_to_the_working_folder(write: Write, tmp_path: Path) -> None:
    tree = composed(write(TEXT, "recipes/x.yaml"), ["backbone.weights=w.safetensors"])
    assert resolve_path(tree.mapping["backbone"].mapping["weights"]) == tmp_path / "w.safetensors"


def test_the_place_is_in_the_text_of_the_override(write: Write) -> None:
    tree = composed(write(TEXT), ["trainer.epochs={a: 1}"])
    epochs = tree.mapping["trainer"].mapping["epochs"]
    places = [epochs.key_place, epochs.place, epochs.mapping["a"].place]
    assert [(p.file, p.line, p.column, p.text_line) for p in places if p] == [
        ("--set", 1, column, "trainer.epochs={a: 1}") for column in (9, 16, 20)
    ]


@pytest.mark.parametrize(
    ("override", "column"),
    [
        ("seed", 1),
        ("=3", 1),
        ("trainer..epochs=3", 9),
        ("a\x1b=3", 1),
        ("extends=base.yaml", 1),
        ("seed.x=3", 6),
        ("positives.2=a", 11),
        ("positives.-1=a", 11),
        ("positives.p=1", 11),
        ("seed=[1", 8),
        ("seed={a: 1, a: 2}", 13),
        (".".join("a" * 40) + "=1", 1),
    ],
)
def test_what_can_not_be_set(write: Write, override: str, column: int, golden: Golden) -> None:
    with pytest.raises(RecipeError) as caught:
        composed(write(TEXT), [override])
    (problem,) = caught.value.problems
    place = problem.place
    assert (place.file, place.line, place.column, place.text_line) == ("--set", 1, column, override)
    golden(problem.message)
    golden(problem.hint)


def test_the_place_of_an_empty_value_is_its_key(write: Write) -> None:
    epochs = composed(write(TEXT), ["trainer.epochs="]).mapping["trainer"].mapping["epochs"]
    assert (epochs.value, epochs.place.column, epochs.place.text_line) == (None, 9, "trainer.epochs=")
