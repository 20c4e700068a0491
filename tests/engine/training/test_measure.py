"""What a few steps cost, and where the time of a run goes."""

from pathlib import Path

import pytest
from helpers.golden import Golden
from helpers.runs import WITH_METHOD, write_recipe
from pytorch_lightning.profilers import SimpleProfiler
from rich.console import Console

from ssltoolbox.engine.training import measure as module
from ssltoolbox.engine.training.measure import LEAST_STEPS, StepCost, measure, stage_table
from ssltoolbox.engine.training.run import train
from ssltoolbox.plan import load_plan


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SECONDS", 0.0)


def cost_of(tmp_path: Path, *overrides: str, method: str = "simclr") -> StepCost:
    recipe = write_recipe(tmp_path, (WITH_METHOD["simclr"], WITH_METHOD[method]))
    return measure(load_plan(recipe, overrides))


def test_parameters_are_counted(tmp_path: Path) -> None:
    """A head of 256 → 16 → 8, and a momentum network as large, which doesn't learn."""
    cost = cost_of(tmp_path, method="mocov2")
    assert cost.backbone == 199_856
    assert cost.parameters == 2 * cost.learning
    assert cost.learning - cost.backbone == 256 * 16 + 16 + 16 * 8 + 8


def test_steps_are_timed_after_the_warm_up(tmp_path: Path) -> None:
    cost = cost_of(tmp_path, "trainer.accumulate=2", "trainer.log_steps=1")
    assert cost.steps == LEAST_STEPS
    assert cost.images == 16
    assert 0.001 < cost.seconds < 10
    assert 100 * 2**20 < cost.memory < 100 * 2**30


def test_a_device_among_several_gets_its_share(tmp_path: Path) -> None:
    cost = cost_of(tmp_path, "trainer.devices=2")
    assert (cost.devices, cost.images, cost.device) == (2, 8, "cpu")


def test_measuring_a_step_writes_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    cost_of(tmp_path, "trainer.loggers=[tensorboard]")
    assert list(work.iterdir()) == []


def test_stages_and_the_rest_add_up(golden: Golden) -> None:
    profiler = SimpleProfiler()
    profiler.recorded_durations.update(
        {
            "[_TrainingEpochLoop].train_dataloader_next": [1.0, 1.0],
            "run_training_batch": [4.0, 4.0],
            "describe": [0.5, 0.5],
            "views": [1.0, 0.0],
            "method": [1.0, 2.0],
            "[Strategy]DDPStrategy.backward": [1.0, 1.0],
        }
    )
    columns = stage_table(profiler).columns
    cells = {name: list(column.cells) for name, column in zip("abcd", columns, strict=True)}
    assert cells["b"] == ["2.00", "1.00", "0.00", "1.00", "3.00", "2.00", "1.00"]
    golden("\n".join(cells["a"]))
    assert cells["c"][0] == "1000.00"
    assert cells["d"][0] == "20%"


def test_what_workers_do_has_no_row(golden: Golden) -> None:
    profiler = SimpleProfiler()
    profiler.recorded_durations.update({"run_training_batch": [4.0], "method": [1.0]})
    table = stage_table(profiler)
    golden("\n".join(table.columns[0].cells))
    golden(table.caption)


@pytest.mark.parametrize("profile", [True, False])
def test_a_profile_is_printed_only_with_the_option(tmp_path: Path, profile: bool) -> None:
    console = Console(record=True, width=80)
    plan = load_plan(write_recipe(tmp_path), ["trainer.steps=2"])
    train(plan, tmp_path / "run", console=console, profile=profile)
    text = console.export_text()
    backward = [line for line in text.splitlines() if "backward" in line]
    assert bool(backward) is profile
    assert all("0.00 │" not in line for line in backward)
