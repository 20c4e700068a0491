"""Runs and weights from elsewhere, as plans that train nothing."""

import hashlib
from pathlib import Path

import pytest
import torch
from helpers.golden import Golden
from helpers.runs import untrained_run, write_recipe

from ssltoolbox.api import UserError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.source import NetworkSource, check_weights, open_source
from ssltoolbox.models import create_backbone, save_weights, weights_hash
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import dump


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / 'odd: "name".safetensors'
    save_weights(create_backbone("test_byobnet"), path)
    return path


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """With another network than the recipe."""
    other = tmp_path / "other"
    other.mkdir()
    return untrained_run(write_recipe(other, ("name: test_byobnet", "name: test_resnet")), tmp_path / "run")


def test_a_file_with_a_recipe(recipe: Path, weights: Path) -> None:
    plan = open_source(NetworkSource(str(weights), recipe), ["evaluate=[identity]"])
    assert not plan.trains
    assert (plan.recipe.positives, plan.recipe.name) == ((), "odd-name-.safetensors")
    assert plan.recipe.backbone.weights == str(weights)
    assert [task.name for task in plan.recipe.evaluate] == ["identity"]
    assert check_weights(plan) == "86 of 86 tensors"
    expected = create_backbone("test_byobnet", weights=str(weights))
    assert weights_hash(Components(plan).initial_backbone()) == weights_hash(expected)


@pytest.mark.parametrize("source", ["run", "run/", "run/backbone.safetensors"])
def test_a_run_brings_its_recipe(run: Path, source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.parent)
    plan = open_source(NetworkSource(source))
    assert (plan.recipe.name, plan.recipe.backbone.name) == ("tiny", "test_resnet")
    saved = hashlib.sha256((run / "backbone.safetensors").read_bytes()).hexdigest()
    assert weights_hash(Components(plan).initial_backbone()) == saved


def test_a_run_on_another_recipes_data(run: Path, recipe: Path) -> None:
    write_recipe(recipe.parent, ("size: 32, eval", "size: 48, eval"))
    plan = open_source(NetworkSource(str(run), recipe))
    assert plan.recipe.backbone.name == "test_resnet"
    assert plan.facts.size == 48


@pytest.mark.parametrize(
    ("source", "arch", "expected"),
    [
        ("timm:resnet18", "", ("resnet18", "resnet18", "imagenet")),
        ("resnet18.a1_in1k", "", ("resnet18.a1_in1k", "resnet18.a1_in1k", "imagenet")),
        ("random", "", ("random", "test_byobnet", None)),
        ("random", "resnet18", ("random", "resnet18", None)),
        ("imagenet", "", ("imagenet", "test_byobnet", "imagenet")),
    ],
)
def test_every_form_of_a_network_has_a_name_and_weights(
    recipe: Path, source: str, arch: str, expected: tuple[str, str, None] | tuple[str, str, str]
) -> None:
    plan = open_source(NetworkSource(source, recipe, arch))
    assert (plan.recipe.name, plan.recipe.backbone.name, plan.recipe.backbone.weights) == expected
    assert check_weights(plan) == ""


def test_another_network_is_a_standard_one(recipe: Path) -> None:
    text = recipe.read_text().replace("{name: test_byobnet}", "{name: resnet18, stem: small}")
    recipe.write_text(text)
    assert open_source(NetworkSource("random", recipe)).recipe.backbone.stem == "small"
    assert open_source(NetworkSource("random", recipe, "resnet34")).recipe.backbone.stem == "standard"
    plan = open_source(NetworkSource("random", recipe, "resnet34"), ["backbone.stem=small"])
    assert plan.recipe.backbone.stem == "small"


def test_part_of_a_network(recipe: Path, weights: Path) -> None:
    state = create_backbone("test_byobnet").state_dict()
    state.pop(next(iter(state)))
    path = recipe.parent / "part.pth"
    torch.save(state, path)
    plan = open_source(NetworkSource(str(path), recipe))
    with pytest.raises(UserError, match="1 of 86 keys"):
        check_weights(plan)
    plan = open_source(NetworkSource(str(path), recipe, allow_partial=True))
    assert check_weights(plan).startswith("85 of 86 tensors")
    Components(plan).initial_backbone()


@pytest.mark.parametrize(
    "wanted",
    [
        {"source": "random"},
        {"source": "nowhere.pth", "recipe": "tiny.yaml"},
        {"source": "timm:resnet18", "recipe": "tiny.yaml", "arch": "resnet34"},
        {"source": ".", "recipe": "tiny.yaml"},
        {"source": "tiny.yaml"},
    ],
)
def test_sources_that_are_no_network_are_refused(
    recipe: Path, wanted: dict[str, str], golden: Golden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(recipe.parent)
    given = wanted | ({"recipe": Path(wanted["recipe"])} if "recipe" in wanted else {})
    with pytest.raises(UserError) as caught:
        open_source(NetworkSource(**given))
    golden(str(caught.value))


def test_a_name_that_timm_lacks(recipe: Path) -> None:
    with pytest.raises(UserError, match=r"(?s)resnet81.*'[a-z_]*resnet\w+'"):
        open_source(NetworkSource("timm:resnet81", recipe))


def test_the_plan_runs_again_from_its_text(recipe: Path, weights: Path, tmp_path: Path) -> None:
    plan = open_source(NetworkSource(str(weights), recipe))
    again = tmp_path / "again.yaml"
    again.write_text(dump(plan.recipe))
    assert load_plan(again).recipe == plan.recipe
