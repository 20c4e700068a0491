"""A tiny recipe, and runs of it, in this process or in one of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from ssltoolbox.engine.training.module import TrainingModule
from ssltoolbox.engine.training.run import Run, train
from ssltoolbox.models import create_backbone, save_weights
from ssltoolbox.plan import load_plan
from ssltoolbox.recipe import dump

TINY = """\
recipe: 1
name: tiny
data: {name: synthetic_faces, identities: 6, clips: 12, frames: 20, size: 32, eval_identities: 4, eval_clips: 8}
backbone: {name: test_byobnet}
method: {name: simclr, hidden_dim: 16, output_dim: 8}
positives: [time_aug]
views: {name: standard, size: 32}
optim: {lr: 1e-3, warmup_epochs: 1}
trainer: {steps: 6, batch_size: 8, workers: 0, log_steps: 1, checkpoint_steps: 2}
"""

WITH_METHOD = {
    "simclr": "{name: simclr, hidden_dim: 16, output_dim: 8}",
    "mocov2": "{name: mocov2, hidden_dim: 16, output_dim: 8, queue: 24}",
    "byol": "{name: byol, hidden_dim: 16, output_dim: 8}",
}


def write_recipe(folder: Path, *changes: tuple[str, str]) -> Path:
    """The tiny recipe with replacements made in its text."""
    text = TINY
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "tiny.yaml"
    path.write_text(text)
    return path


def run_tiny(recipe: Path, out: Path, *overrides: str, resume: bool = False) -> Run:
    """Trains in this process."""
    return train(load_plan(recipe, overrides), out, resume)


@contextmanager
def halted_at(step: int) -> Iterator[None]:
    """Training in this process fails at a step, as at a power cut; its checkpoints stay."""

    class Halted(Exception):
        pass

    def training_step(module: TrainingModule, micro_batch: Any, index: int) -> Any:
        if module.global_step == step:
            raise Halted
        return whole(module, micro_batch, index)

    whole = TrainingModule.training_step
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingModule, "training_step", training_step)
        try:
            yield
        except Halted:
            return
    raise AssertionError(f"training did not come to step {step}")


def start(recipe: Path, out: Path, *arguments: str, prelude: str = "") -> subprocess.Popen[str]:
    """Starts `ssltoolbox train` in a process of its own, after some Python of the test's."""
    return start_command(recipe.parent, "train", str(recipe), "--out", str(out), *arguments, prelude=prelude)


def start_command(
    folder: Path, *arguments: str, prelude: str = "", **environment: str
) -> subprocess.Popen[str]:
    """Starts `ssltoolbox` in a process of its own, after some Python of the test's."""
    command = [sys.executable, str(write_script(folder, prelude)), *arguments]
    return subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    )


def write_script(folder: Path, prelude: str) -> Path:
    """`ssltoolbox` after some Python of the test's.

    It is a file, because the first process starts the other ranks by the name of the script.
    """
    script = folder / "main.py"
    script.write_text(
        f"{textwrap.dedent(prelude)}\nfrom ssltoolbox.cli import main\nif __name__ == '__main__':\n    main()\n"
    )
    return script


def untrained_run(recipe: Path, folder: Path, seed: int = 0) -> Path:
    """A run folder with a random backbone, as a finished run leaves it."""
    plan = load_plan(recipe)
    folder.mkdir()
    (folder / "recipe.yaml").write_text(dump(plan.recipe))
    torch.manual_seed(seed)
    backbone = plan.recipe.backbone
    network = create_backbone(
        backbone.name, stem=backbone.stem, image_size=plan.image_size, options=backbone.options
    )
    save_weights(network, folder / "backbone.safetensors")
    return folder


def assert_near(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor], within: float = 1e-4) -> None:
    """Weights are equal up to this fraction of their length."""
    apart = torch.stack([(one[key].double() - two[key].double()).square().sum() for key in one]).sum().sqrt()
    length = torch.stack([one[key].double().square().sum() for key in one]).sum().sqrt()
    assert apart < within * length


def may_mount() -> bool:
    """Whether a test may mount file systems of its own here, in `unshare -rm`."""
    return (
        bool(shutil.which("unshare"))
        and not subprocess.run(["unshare", "-rm", "true"], check=False).returncode
    )
