from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
import yaml
from helpers.golden import Golden
from helpers.reading import recipe_in
from hypothesis import given
from hypothesis import strategies as st

from ssltoolbox.recipe import (
    BackboneSection,
    Component,
    Optim,
    Plugins,
    Recipe,
    RecipeError,
    Trainer,
    dump,
    value_text,
)

Write = Callable[..., Path]


def recipe(**changes: Any) -> Recipe:
    sections: dict[str, Any] = {
        "recipe": 1,
        "name": "x",
        "data": Component(name="frames"),
        "backbone": BackboneSection(name="resnet50"),
        "method": Component(name="simclr"),
        "views": Component(name="paper"),
        "optim": Optim(lr=3e-4),
        "trainer": Trainer(epochs=3, batch_size=4),
    }
    return Recipe(**sections | changes)


def test_what_a_recipe_looks_like(golden: Golden) -> None:
    text = dump(
        recipe(
            method=Component(name="simclr", options={"temperature": 0.07}),
            positives=(Component(name="time_aug"),),
            plugins=Plugins(files=(Path("/r/p.py"),)),
        )
    )
    golden(text)


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
SCALARS = (
    TEXTS
    | st.sampled_from(
        ["1e3", "0o17", "0x1F", ".5", "5.", "no", "null", "~", "", " a", "12:30", "<<", "2024-01-01"]
    )
    | st.from_regex(r"\A[-+.0-9eEoxinfa_:~]{1,8}\Z")
    | st.floats(allow_nan=False)
    | st.integers(-(2**63) + 1, 2**63 - 1)
    | st.booleans()
    | st.none()
)
OPTIONS = st.dictionaries(
    TEXTS.filter(lambda key: key != "name"),
    st.recursive(
        SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3)
    ),
    max_size=4,
)


@given(options=OPTIONS, lr=st.floats(min_value=0, exclude_min=True, allow_infinity=False), name=TEXTS)
def test_a_dumped_recipe_loads_again_as_it_was(
    tmp_path_factory: pytest.TempPathFactory, options: dict[str, Any], lr: float, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "dumped.yaml"
    written = recipe(
        method=Component(name=name or "a", options=options),
        optim=Optim(lr=lr),
        backbone=BackboneSection(name="resnet18", options=options),
    )
    path.write_text(dump(written), encoding="utf-8", newline="")
    read = recipe_in(path)
    assert read == written
    assert repr(read) == repr(written)


def test_numbers_in_text_stay_text_for_other_readers_too() -> None:
    text = dump(recipe(data=Component(name="a", options={"x": "1e3", "y": "no", "z": "0o17"})))
    assert yaml.safe_load(text)["data"] == {"name": "a", "x": "1e3", "y": "no", "z": "0o17"}


class Shape(Enum):
    ROUND = "round"


def test_options_as_a_plugin_parsed_them() -> None:
    shared = [1, 2]
    options = {"file": Path("/a"), "pair": (1.0, 2.0), "shape": Shape.ROUND, "one": shared, "two": shared}
    data = yaml.safe_load(dump(recipe(data=Component(name="a", options=options))))["data"]
    assert data == {
        "name": "a",
        "file": "/a",
        "pair": [1.0, 2.0],
        "shape": "round",
        "one": [1, 2],
        "two": [1, 2],
    }


def test_paths_are_absolute_after_loading_and_dumping(write: Write, base: str, tmp_path: Path) -> None:
    path = write(base + "plugins: {files: [p.py]}", "recipes/x.yaml")
    again = recipe_in(write(dump(recipe_in(path, ["backbone.weights=w.pt"])), "runs/recipe.yaml"))
    assert again.plugins.files == (tmp_path / "recipes" / "p.py",)
    assert again.backbone.weights == str(tmp_path / "w.pt")
    assert again.name == "x"


def test_a_dumped_text_is_refused_after_a_typo(write: Write, base: str) -> None:
    text = dump(recipe_in(write(base))).replace("warmup_epochs", "warmup_epoch")
    with pytest.raises(RecipeError, match=r"'warmup_epochs'"):
        recipe_in(write(text))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (25 / 6, "4.16667"),
        (1e-06, "1e-06"),
        (2.0, "2"),
        (48, "48"),
        (True, "true"),
        (None, "null"),
        ("linear", "linear"),
        ((0.24, 0.48), "[0.24, 0.48]"),
        ([], "[]"),
        ({"a": [True], "b": {}}, "{a: [true], b: {}}"),
    ],
)
def test_values_as_a_person_would_write_them(value: object, text: str) -> None:
    assert value_text(value) == text


def test_a_notebook_shows_a_recipe_as_yaml() -> None:
    html = recipe(data=Component(name="frames", options={"root": "<b>"}))._repr_html_()
    assert "lr: 0.0003" in html
    assert "root: &lt;b&gt;" in html
