"""`ssltoolbox check` and `ssltoolbox schema`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.plugins import FakePlugins
from helpers.recipes import write_recipe

from ssltoolbox.cli.main import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files relative to the working folder; without a terminal there are 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)


def lines(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines())


def test_the_plan_as_a_table(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    recipe = write_recipe(
        tmp_path,
        positives="[{name: time_aug, offsets: [0.24, 0.48]}]",
        negatives="[hard_neg]",
        optim="{lr: 2e-3, warmup_epochs: 1}",
        trainer="{epochs: 3, batch_size: 16, accumulate: 2}",
        evaluate="[identity]",
    )
    assert run(["check", str(recipe)]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    golden(lines(printed.out))


@pytest.mark.parametrize(("loss", "shown"), [("info_nce", False), ("rince", True)])
def test_the_plan_shows_settings_of_the_chosen_loss_only(
    loss: str, shown: bool, tmp_path: Path, capsys: Capture
) -> None:
    recipe = write_recipe(tmp_path, method=f"{{name: simclr, loss: {loss}}}", evaluate="[expression]")
    assert run(["check", str(recipe)]) == 0
    printed = capsys.readouterr().out
    assert f"loss={loss}" in printed
    assert ("rince=" in printed) is shown
    assert "soft_contrast=" not in printed
    assert "finetune=" not in printed


def test_the_plan_shows_how_the_backbone_is_changed(tmp_path: Path, capsys: Capture) -> None:
    backbone = "{name: resnet18, stem: small, layers: [layer3, layer4], options: {global_pool: ''}}"
    assert run(["check", str(write_recipe(tmp_path, backbone=backbone))]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert 'stem small, features of layer3 and layer4 global_pool="" method' in printed


def test_a_recipe_that_does_not_train(tmp_path: Path, capsys: Capture) -> None:
    assert run(["check", str(write_recipe(tmp_path, method="none", evaluate="[expression]"))]) == 0
    printed = lines(capsys.readouterr().out)
    assert "\n method      none\n" in printed
    assert "learning rate" not in printed


def test_data_that_is_not_there_is_a_warning_in_check_and_an_error_in_train(
    tmp_path: Path, capsys: Capture
) -> None:
    trainer = "{steps: 5, batch_size: 8}"
    recipe = str(write_recipe(tmp_path, data="{name: frames, root: gone}", trainer=trainer))
    assert run(["check", recipe]) == 0
    printed = capsys.readouterr()
    assert printed.err.startswith("small.yaml:3:28: warning: ")
    assert "the run        5 steps\n" in lines(printed.out)
    assert run(["train", recipe]) == 2
    assert capsys.readouterr().err.startswith(f"small.yaml:3:28: {tmp_path / 'gone'}")
    assert not (tmp_path / "runs").exists()


def test_every_recipe_is_checked(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.chdir(tmp_path)
    good = write_recipe(tmp_path, "good.yaml", name="good")
    bad = write_recipe(tmp_path, "bad.yaml", method="simclar")
    assert run(["check", str(bad), str(good), str(bad)]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("good")
    golden(printed.err)


def test_check_applies_overrides(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    recipe = str(write_recipe(tmp_path))
    assert run(["check", recipe, "--set", "method.temperature=0.5", "--set", "trainer.epochs=2"]) == 0
    printed = capsys.readouterr().out
    assert "temperature=0.5" in printed
    assert re.search(r"\b10 steps\b.*\b5 .*\b2 epochs\b", printed)
    assert run(["check", recipe, "--set", "method.temprature=0.5"]) == 2
    golden(lines(capsys.readouterr().err))


def test_text_of_a_user_is_not_markup(tmp_path: Path, capsys: Capture) -> None:
    assert run(["check", str(write_recipe(tmp_path, backbone="'net[bold]'"))]) == 2
    assert "'net[bold]'" in capsys.readouterr().err


def test_a_broken_plugin_does_not_keep_recipes_from_being_checked(
    tmp_path: Path, plugins: FakePlugins, capsys: Capture
) -> None:
    plugins.install("bad", "import sys; sys.exit(1)")
    assert run(["check", str(write_recipe(tmp_path))]) == 0
    assert capsys.readouterr().err == ""


def test_check_measures_parameters_time_and_memory(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.setattr("ssltoolbox.engine.training.measure.MOST_SECONDS", 0.0)
    recipe = write_recipe(tmp_path, views="{name: standard, size: 32}", trainer="{epochs: 3, batch_size: 8}")
    assert run(["check", str(recipe), "--measure", "--set", "trainer.workers=0"]) == 0
    printed = lines(capsys.readouterr().out)
    parameters, time, memory, whole = printed.split("measured here, on cpu\n")[1].splitlines()
    golden(parameters)
    assert re.match(r" time +[\d.]+ m?s .*[\d,]+ images/s", time)
    assert re.match(r" peak memory +[\d.]+ [MG]iB ", memory)
    assert re.match(r" the run +about [\d.]+ ", whole)
    assert list(tmp_path.iterdir()) == [recipe]


def test_measuring_is_for_one_recipe_that_trains(tmp_path: Path, capsys: Capture, golden: Golden) -> None:
    recipe = str(write_recipe(tmp_path, method="none"))
    assert run(["check", recipe, recipe, "--measure"]) == 2
    golden(capsys.readouterr().err)
    assert run(["check", recipe, "--measure"]) == 2
    golden(capsys.readouterr().err)


def test_schema_is_json(capsys: Capture) -> None:
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "ssltoolbox recipe"


def test_check_shows_auxiliary_losses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "short.py").write_text(
        "from ssltoolbox.api import AuxiliaryLossOptions, Descriptor, hookimpl\n\n\n@hookimpl\n"
        "def ssltoolbox_auxiliary_losses():\n"
        "    yield Descriptor(name='short', summary='Keeps features short.', options=AuxiliaryLossOptions,\n"
        "                     target=f'{__name__}:Short', api=2)\n"
    )
    path = tmp_path / "losses.yaml"
    path.write_text("recipe: 1\nextends: quickstart\nlosses: [short]\nplugins: {files: [short.py]}\n")
    assert run(["check", str(path)]) == 0
    assert "auxiliary loss" in capsys.readouterr().out
