"""`ssltoolbox evaluate` of weights from elsewhere."""

import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Never

import pytest
import torch
from helpers.golden import Golden
from helpers.runs import write_recipe

from ssltoolbox.api import UserError
from ssltoolbox.cli.main import run
from ssltoolbox.engine.inspect import source
from ssltoolbox.models import create_backbone, load_weights
from ssltoolbox.plan import Plan
from ssltoolbox.recipe import selection


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    return write_recipe(tmp_path, ("trainer:", "evaluate: [identity]\ntrainer:"))


def test_a_checkpoint_becomes_a_run_of_its_own(
    recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network = create_backbone("test_byobnet")
    state = {f"backbone.{key}": tensor for key, tensor in network.state_dict().items()}
    path, out = tmp_path / "theirs.ckpt", tmp_path / "out"
    torch.save({"state_dict": state | {"projector.0.weight": torch.zeros(4)}}, path)
    assert run(["evaluate", str(path), "--recipe", str(recipe), "--out", str(out)]) == 0
    said = capfd.readouterr().out
    assert re.search(rf"{re.escape(str(path))}: 86 of 86 .*projector\.0\.weight", said)
    assert f"{out}/evaluation.json" in said
    assert f"{out}/report.html" in said
    results = json.loads((out / "evaluation.json").read_text())
    assert 0 <= results["identity"]["accuracy"] <= 1
    assert set(results["random"]) == {"identity"}
    load_weights(network, out / "backbone.safetensors")
    assert f"{results['identity']['accuracy']:.3f}" in (out / "report.html").read_text()
    assert run(["evaluate", str(out), "--tasks", "identity"]) == 0
    assert json.loads((out / "evaluation.json").read_text()) == results
    assert "no longer there" not in capfd.readouterr().out
    assert run(["evaluate", str(out), "--tasks", "valence_arousal"]) == 0
    assert "no longer there: the earlier results of identity\n" in capfd.readouterr().out
    (out / "evaluation.json").write_text("{")
    assert run(["evaluate", str(out), "--tasks", "identity"]) == 0
    assert json.loads((out / "evaluation.json").read_text()) == results


def test_wrong_weights_leave_no_folder(
    recipe: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], golden: Golden
) -> None:
    path, out = tmp_path / "theirs.ckpt", tmp_path / "out"
    torch.save({"weight": torch.zeros(3)}, path)
    assert run(["evaluate", str(path), "--recipe", str(recipe), "--out", str(out)]) == 2
    golden(capfd.readouterr().err)
    assert not out.exists()


def test_a_run_without_tasks_is_asked_for_some(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], golden: Golden
) -> None:
    out = tmp_path / "out"
    assert run(["train", str(write_recipe(tmp_path)), "--out", str(out)]) == 0
    capfd.readouterr()
    assert run(["evaluate", str(out)]) == 2
    golden(capfd.readouterr().err)
    assert not (out / "evaluation.json").exists()


def test_a_task_that_is_unknown_is_shown_as_it_was_typed(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], golden: Golden
) -> None:
    recipe = write_recipe(tmp_path)
    assert run(["evaluate", "random", "--recipe", str(recipe), "--tasks", "identity,expresion"]) == 2
    golden(capfd.readouterr().err)


@pytest.mark.parametrize("source", ["/nope.ckpt", "runs/nope", "nope"])
def test_a_network_that_is_not_there(source: str, capfd: pytest.CaptureFixture[str], golden: Golden) -> None:
    """It is not the recipe that is missing."""
    assert run(["evaluate", source]) == 2
    text = capfd.readouterr().err
    golden(text)
    assert "recipe" not in text


def test_a_recipe_without_an_optimiser_is_evaluated(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What trains nothing needs none, nor any other setting of the training."""
    path = tmp_path / "plain.yaml"
    path.write_text(
        "recipe: 1\nmethod: none\nbackbone: test_byobnet\nviews: {name: standard, size: 32}\n"
        "evaluate: [identity]\ndata: {name: synthetic_faces, identities: 4, clips: 8, frames: 8, "
        "eval_identities: 4, eval_clips: 8}\n"
    )
    assert run(["train", str(path), "--out", str(tmp_path / "run")]) == 0
    assert "identity" in json.loads((tmp_path / "run" / "evaluation.json").read_text())
    capfd.readouterr()
    assert run(["train", str(path), "--out", str(tmp_path / "run"), "--resume"]) == 0
    assert run(["check", str(tmp_path / "run" / "recipe.yaml")]) == 0
    assert "learning rate" not in capfd.readouterr().out


def test_evaluating_without_tasks_exits_with_2(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], golden: Golden
) -> None:
    assert run(["evaluate", "random", "--recipe", str(write_recipe(tmp_path))]) == 2
    golden(capfd.readouterr().err)


def test_evaluate_prints_the_warnings_of_the_plan(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """As `train` and `check` do."""
    recipe = write_recipe(tmp_path, ("trainer:", "evaluate: [identity]\ntrainer:"))
    plan = source.open_source(source.NetworkSource("random", recipe))
    warned = replace(plan, warnings=(SimpleNamespace(render=lambda: "strange-data"),))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "open_source", lambda *_, **__: warned)
        patch.setattr(source, "check_weights", stop)
        assert run(["evaluate", "random", "--recipe", str(recipe)]) == 2
    assert "strange-data" in capfd.readouterr().err


def test_tasks_may_be_given_together_or_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    recipe, plans = write_recipe(tmp_path), []
    monkeypatch.setattr(source, "check_weights", lambda plan: plans.append(plan) or stop(plan))
    given = (["--tasks", "identity,expression"], ["--tasks", "identity", "--tasks", "expression"])
    for tasks in given:
        assert run(["evaluate", "random", "--recipe", str(recipe), *tasks]) == 2
    assert [[task.name for task in plan.recipe.evaluate] for plan in plans] == [
        ["identity", "expression"]
    ] * 2


def test_a_task_of_the_recipe_keeps_its_options(tmp_path: Path) -> None:
    """Its data is not that of pretraining, and each of two tasks of one name is meant."""
    text = "evaluate: [identity, {name: expression, k: [3]}, {name: expression, k: [5]}]\ntrainer:"
    network = source.NetworkSource("random", write_recipe(tmp_path, ("trainer:", text)))
    tasks = selection("--tasks", "evaluate", "[expression, valence_arousal]")
    for overrides, first in (([tasks], [3]), ([tasks, "evaluate.0.k=[7]"], [7])):
        selected = source.open_source(network, overrides).recipe.evaluate
        assert [task.name for task in selected] == ["expression", "expression", "valence_arousal"]
        assert [task.options.get("k") for task in selected] == [first, [5], [5, 20, 100]]


def stop(plan: Plan) -> Never:
    raise UserError("far enough")
