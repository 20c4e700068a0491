"""Options that don't go together: what a recipe sets rules out what it inherits, and `--set` what both say."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.recipes import write_recipe

from ssltoolbox.plan import Plan, load_plan
from ssltoolbox.recipe import RecipeError


def child(folder: Path, text: str, *overrides: str, **sections: str) -> Plan:
    write_recipe(folder, "parent.yaml", **sections)
    path = folder / "child.yaml"
    path.write_text(f"extends: parent.yaml\n{text}\n")
    return load_plan(path, overrides, data_needed=False)


def failure(folder: Path, text: str, *overrides: str, **sections: str) -> str:
    with pytest.raises(RecipeError) as caught:
        child(folder, text, *overrides, **sections)
    (problem,) = caught.value.problems
    return Path(problem.place.file).name


STEPS = "{steps: 600, batch_size: 8}"


def test_epochs_of_a_child_rule_out_the_steps_of_its_parent(tmp_path: Path) -> None:
    trainer = child(tmp_path, "trainer: {epochs: 3}", trainer=STEPS).recipe.trainer
    assert (trainer.epochs, trainer.steps) == (3, None)


def test_a_value_that_is_set_rules_out_that_of_a_file(tmp_path: Path) -> None:
    trainer = child(tmp_path, "trainer: {epochs: 3}", "trainer.steps=5", trainer=STEPS).recipe.trainer
    assert (trainer.epochs, trainer.steps) == (None, 5)


def test_both_in_one_file_are_an_error(tmp_path: Path) -> None:
    assert failure(tmp_path, "trainer: {epochs: 3, steps: 5}", trainer=STEPS) == "child.yaml"
    assert (
        failure(tmp_path, "trainer: {nodes: 1}", trainer="{steps: 1, epochs: 1, batch_size: 8}")
        == "parent.yaml"
    )


def test_a_nearer_warm_up_replaces_a_parents(tmp_path: Path) -> None:
    optim = child(tmp_path, "optim: {warmup_steps: 7}", optim="{lr: 1e-3, warmup_epochs: 2}").recipe.optim
    assert optim is not None
    assert (optim.warmup_steps, optim.warmup_epochs) == (7, 0)


def test_an_optimiser_rules_out_inherited_options_that_it_lacks(tmp_path: Path) -> None:
    adam = "{name: adam, lr: 1e-3, betas: [0.5, 0.9], weight_decay: 0.1}"
    optim = child(tmp_path, "optim: sgd", optim=adam).recipe.optim
    assert optim is not None
    assert (optim.name, optim.lr, optim.weight_decay, optim.betas) == ("sgd", 1e-3, 0.1, (0.9, 0.999))


def test_an_option_that_the_inherited_optimiser_lacks_is_an_error(tmp_path: Path) -> None:
    assert failure(tmp_path, "optim: {momentum: 0.5}", optim="{name: adam, lr: 1e-3}") == "child.yaml"


def test_a_constant_rate_rules_out_where_an_inherited_cosine_ends(tmp_path: Path) -> None:
    optim = child(
        tmp_path, "", "optim.schedule=constant", optim="{lr: 1e-3, final_lr_fraction: 0.1}"
    ).recipe.optim
    assert optim is not None
    assert (optim.schedule.name, optim.final_lr_fraction) == ("constant", 0)


def test_an_index_rules_out_an_inherited_root(tmp_path: Path) -> None:
    """The rule is the dataset's own."""
    data = "{name: frames, root: gone}"
    options = child(tmp_path, "", "data.index=gone.index", data=data, trainer=STEPS).recipe.data.options
    assert (options["root"], options["index"]) == (None, str(Path("gone.index").absolute()))
    assert failure(tmp_path, "data: {root: a, index: b}", data=data, trainer=STEPS) == "child.yaml"


def test_a_rule_for_two_options_that_keeps_both_points_at_the_nearer(tmp_path: Path) -> None:
    data = "{name: frames, root: gone, val: 0.5}"
    assert failure(tmp_path, "", "data.test=0.5", data=data, trainer=STEPS) == "--set"
    assert failure(tmp_path, "data: {test: 0.5}", "data.val=0.6", data=data, trainer=STEPS) == "--set"


def test_a_grandparent_is_farther_than_a_parent(tmp_path: Path) -> None:
    write_recipe(tmp_path, "grandparent.yaml", trainer=STEPS)
    (tmp_path / "parent.yaml").write_text("extends: grandparent.yaml\ntrainer: {epochs: 3}\n")
    (tmp_path / "child.yaml").write_text("extends: parent.yaml\ntrainer: {nodes: 1}\n")
    assert load_plan(tmp_path / "child.yaml").recipe.trainer.steps is None


@pytest.mark.parametrize("method", ["none", "{name: none}"])
def test_what_trains_nothing_needs_neither_optimiser_nor_trainer(tmp_path: Path, method: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(
        f"recipe: 1\ndata: synthetic_faces\nbackbone: test_byobnet\nmethod: {method}\nviews: standard\n"
    )
    plan = load_plan(path)
    assert (plan.recipe.optim, plan.schedule, plan.counts.steps) == (None, None, 0)
