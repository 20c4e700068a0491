"""Callbacks and loggers of plugins, and those that are given from Python."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from helpers.runs import halted_at, write_recipe

import ssltoolbox
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import RecipeError

PLUGIN = """
import json
import pytorch_lightning as pl
from ssltoolbox.api import Descriptor, Options, hookimpl


class CounterOptions(Options):
    '''What it adds.'''

    weight: int = 1
    '''What each batch counts.'''


class Counter(pl.Callback):
    def __init__(self, options, setting):
        self.weight, self.count = options.weight, 0
        self.folder = setting.folder

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.count += self.weight

    def on_train_end(self, trainer, module):
        (self.folder / "counted").write_text(str(self.count))

    def state_dict(self):
        return {"count": self.count}

    def load_state_dict(self, state):
        self.count = state["count"]


class Lines:
    def __init__(self, options, setting):
        self.path = setting.folder / "lines"

    def log_hyperparams(self, params):
        self._write({"recipe": params["name"]})

    def log_metrics(self, metrics, step):
        self._write({"step": step})

    def close(self, ending):
        self._write({"ending": ending})

    def _write(self, line):
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\\n")


@hookimpl
def ssltoolbox_callbacks():
    yield Descriptor(
        name="counter", summary="Counts.", options=CounterOptions, target=f"{__name__}:Counter", api=2
    )


@hookimpl
def ssltoolbox_loggers():
    yield Descriptor(name="lines", summary="Lines.", target=f"{__name__}:Lines", api=2)
"""
NAMED = "trainer: {callbacks: [{name: counter, weight: 2}], loggers: [lines], "


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(PLUGIN)
    path = write_recipe(tmp_path, ("trainer: {", NAMED))
    path.write_text(path.read_text() + "plugins: {files: [mine.py]}\n")
    return path


def test_named_in_a_recipe_and_resumed(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    with halted_at(step=4):
        ssltoolbox.train(recipe, out=out)
    ssltoolbox.train(recipe, out=out, resume=True)
    assert (out / "counted").read_text() == "12"
    lines = [json.loads(line) for line in (out / "lines").read_text().splitlines()]
    assert lines[0] == {"recipe": "tiny"}
    assert [line["step"] for line in lines if "step" in line] == [1, 2, 3, 4, 5, 6]
    assert [line["ending"] for line in lines if "ending" in line] == ["failed", "finished"]


class Seen(pl.Callback):
    """Counts the steps that begin."""

    steps = 0

    def on_train_batch_start(self, *_: object) -> None:
        self.steps += 1


class Kept:
    """Keeps the metrics."""

    def __init__(self) -> None:
        self.steps: list[int] = []

    def log_hyperparams(self, params: Mapping[str, object]) -> None:
        raise AssertionError("the caller has the recipe")

    def log_metrics(self, metrics: Mapping[str, float], step: int) -> None:
        assert metrics["loss"] > 0
        self.steps.append(step)


def test_given_from_python_they_change_no_weights(tmp_path: Path) -> None:
    path = write_recipe(tmp_path)
    seen, kept = Seen(), Kept()
    with_them = ssltoolbox.train(path, out=tmp_path / "with", callbacks=[seen], loggers=[kept])
    without = ssltoolbox.train(path, out=tmp_path / "without")
    assert (seen.steps, kept.steps) == (6, [1, 2, 3, 4, 5, 6])
    first, second = (ssltoolbox.load_backbone(run.folder.path).state_dict() for run in (with_them, without))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("trainer.loggers=[tensorbord]", "did you mean 'tensorboard'"),
        ("trainer.loggers=[{name: wandb, projekt: x}]", "did you mean 'project'"),
        ("trainer.callbacks=[{name: counter, wieght: 1}]", "did you mean 'weight'"),
        ("trainer.callbacks=[nobody]", "unknown callback 'nobody'"),
    ],
)
def test_mistakes_are_the_recipes(setting: str, said: str, recipe: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        load_plan(recipe, [setting])
    assert said in str(caught.value)
