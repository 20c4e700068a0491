"""What a few steps cost."""

import pytest
from support.runs import WITH_METHOD, write_recipe

from ssltoolbox.engine.training import measure as module
from ssltoolbox.engine.training.measure import LEAST_STEPS, measure
from ssltoolbox.plan import load_plan


@pytest.fixture(autouse=True)
def _short(monkeypatch):
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)


def cost_of(tmp_path, *overrides, method="simclr"):
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    return measure(load_plan(recipe, overrides))


def test_parameters_are_counted(tmp_path):
    """A head of 256 → 16 → 8, and a momentum network as large, which doesn't learn."""
    cost = cost_of(tmp_path, method="mocov2")
    assert cost.backbone == 199_856
    assert cost.parameters == 2 * cost.learning
    assert cost.learning - cost.backbone == 256 * 16 + 16 + 16 * 8 + 8


def test_steps_are_timed_after_the_warm_up(tmp_path):
    cost = cost_of(tmp_path, "trainer.accumulate=2", "trainer.log_steps=1")
    assert cost.steps == LEAST_STEPS
    assert cost.images == 16
    assert 0.001 < cost.seconds < 10
    assert 100 * 2**20 < cost.memory < 100 * 2**30


def test_a_device_among_several_gets_its_share(tmp_path):
    cost = cost_of(tmp_path, "trainer.devices=2")
    assert (cost.devices, cost.images, cost.device) == (2, 8, "cpu")


def test_nothing_is_written(tmp_path, monkeypatch):
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    cost_of(tmp_path, "trainer.loggers=[tensorboard]")
    assert list(work.iterdir()) == []
