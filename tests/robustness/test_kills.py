"""Killed at random moments, while starting and while writing files too, and resumed: bit for bit the same."""

from __future__ import annotations

import csv
import random
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from support.runs import start, write_recipe

pytestmark = pytest.mark.slow
KILLS, MANY_KILLS = 3, 20
STEPS, LATEST_KILL = 120, 90
LONGER = (
    "steps: 6, batch_size: 8, workers: 0, log_steps: 1",
    f"steps: {STEPS}, batch_size: 8, workers: 1, log_steps: 1",
)


def state_of(run: Path) -> dict[str, torch.Tensor]:
    """The method's and the optimiser's tensors, and the backbone's."""
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    moments = checkpoint["optimizer_states"][0]["state"]
    return {
        **checkpoint["state_dict"],
        **{f"{key} of {index}": value for index, state in moments.items() for key, value in state.items()},
        **safetensors.torch.load_file(run / "backbone.safetensors"),
    }


def losses_of(run: Path) -> list[tuple[str, str]]:
    """Step and loss of each row; none where there is no file yet."""
    if not (run / "metrics.csv").exists():
        return []
    with (run / "metrics.csv").open() as file:
        return [(row["step"], row["loss"]) for row in csv.DictReader(file)]


def test_training(tmp_path: Path, much: bool, count: Callable[[str], None]) -> None:
    recipe = write_recipe(tmp_path, LONGER)
    whole = start(recipe, tmp_path / "whole")
    _, errors = whole.communicate()
    assert whole.returncode == 0, errors
    out, moments, steps = tmp_path / "killed", random.Random(0), []
    for _ in range(MANY_KILLS if much else KILLS):
        run = start(recipe, out, "--resume")
        wait_for(out, moments.randint(0, LATEST_KILL), run)
        # Into a step, a write, or the start of a run that stands beyond.
        time.sleep(moments.uniform(0, 0.2) if moments.random() < 0.8 else moments.uniform(0, 5))
        assert run.poll() is None, "it was done before it could be killed"
        run.kill()
        run.communicate()
        steps.append(str(len(losses_of(out))))
    last = start(recipe, out, "--resume")
    _, errors = last.communicate()
    assert last.returncode == 0, errors
    expected, found = state_of(tmp_path / "whole"), state_of(out)
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[key], found[key]) for key in expected)
    assert losses_of(tmp_path / "whole") == losses_of(out)
    assert not list(out.rglob("*.part"))
    count(
        f"{len(steps)} kills, at steps {', '.join(steps)} of {STEPS}; then the same {len(expected)} tensors"
    )


def wait_for(run: Path, step: int, process: subprocess.Popen[str]) -> None:
    """Until the run's log has come to that step, which it may have before this process began."""
    while len(losses_of(run)) < step and process.poll() is None:
        time.sleep(0.01)
