"""What breaks under a run: one clear line, exit 1, and nothing lost that had been written."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from PIL import Image
from support.runs import TINY, run_tiny, start, write_recipe

pytestmark = pytest.mark.slow

IN_STEP = """
import os, resource, shutil, signal, torch
from ssltoolbox.engine.module import TrainingModule
step = TrainingModule.training_step
def with_fault(self, batch, index):
    if self.global_step == {step}{where}:
        {fault}
    return step(self, batch, index)
TrainingModule.training_step = with_fault
"""
FULL_DISK = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
DYING_WORKER = """
import os, signal, torch
from ssltoolbox.data.batches import DrawnBatches
read = DrawnBatches.__getitems__
def dying(self, slots):
    if torch.utils.data.get_worker_info() and slots[0][0] == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(self, slots)
DrawnBatches.__getitems__ = dying
"""


def fault(text: str, step: int = 3, where: str = "") -> str:
    return IN_STEP.format(step=step, fault=text, where=where)


def failed(recipe: Path, out: Path, *arguments: str, prelude: str, within: float = 600) -> str:
    """What a run printed to stderr that failed as it should: exit 1, in time, without a traceback."""
    process = start(recipe, out, *arguments, prelude=prelude)
    try:
        _, errors = process.communicate(timeout=within)
    finally:
        process.kill()
    assert process.returncode == 1, errors
    assert "Traceback" not in errors
    return errors


def assert_goes_on(recipe: Path, out: Path, whole: Path, *overrides: str) -> None:
    """Resumed, the run gives the weights of one that nothing happened to."""
    resumed = run_tiny(recipe, out, *overrides, resume=True).folder
    expected = run_tiny(recipe, whole, *overrides).folder
    one, two = (safetensors.torch.load_file(folder.backbone) for folder in (resumed, expected))
    assert all(torch.equal(one[key], two[key]) for key in two)


def step_of(out: Path) -> int:
    """Where the checkpoint stands."""
    return int(torch.load(out / "checkpoints" / "last.ckpt", weights_only=True)["global_step"])


def test_the_disk_fills_up(tmp_path: Path) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    (line,) = failed(recipe, out, prelude=fault(FULL_DISK)).splitlines()
    assert line.startswith(f"can't write the checkpoint {out}/checkpoints/last.ckpt: ")
    assert line.endswith("; the one before it is whole")
    assert step_of(out) == 2
    assert_goes_on(recipe, out, tmp_path / "whole")


def test_memory_runs_out(tmp_path: Path) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    (line,) = failed(recipe, out, prelude=fault("torch.empty(10**15)")).splitlines()
    assert line.startswith("out of memory at step 3: ")
    assert "DefaultCPUAllocator" in line
    assert line.endswith("; choose a smaller trainer.batch_size, or a larger trainer.accumulate")
    assert "Traceback" in (out / "log.txt").read_text()
    assert_goes_on(recipe, out, tmp_path / "whole")


def test_a_worker_dies(tmp_path: Path) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    (line,) = failed(recipe, out, "--set", "trainer.workers=1", prelude=DYING_WORKER).splitlines()
    assert line.startswith("failed: RuntimeError: DataLoader worker (pid")
    assert_goes_on(recipe, out, tmp_path / "whole")


@pytest.mark.parametrize("how", [KILLED, "raise ValueError('a fault on one rank')"], ids=["killed", "failed"])
def test_a_rank_dies(tmp_path: Path, how: str, count: Callable[[str], None]) -> None:
    """The other stops within a minute, and says why."""
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    prelude = fault(how, where=" and self.global_rank == 1")
    begun = time.monotonic()
    errors = failed(recipe, out, "--set", "trainer.devices=2", prelude=prelude)
    count(f"{time.monotonic() - begun:.0f} s with starting")
    assert "rank 0 stops at step 3, because another rank has: it was killed, or has said why\n" in errors
    assert (KILLED in prelude) or "failed: ValueError: a fault on one rank\n" in errors
    assert step_of(out) == 2


def test_images_vanish(tmp_path: Path) -> None:
    root = tmp_path / "faces"
    for clip in range(12):
        folder = root / f"person-{clip // 2}" / "video" / f"clip-{clip}"
        folder.mkdir(parents=True)
        for frame in range(8):
            Image.new("RGB", (32, 32), (20 * clip, 30 * frame, 99)).save(folder / f"{frame:03}.png")
    kept = tmp_path / "kept"
    shutil.copytree(root, kept)
    (drawn,) = (line for line in TINY.splitlines() if line.startswith("data: "))
    recipe = write_recipe(tmp_path, (drawn, "data: {name: frames, root: faces, size: 32}"))
    out = tmp_path / "run"
    (line,) = failed(recipe, out, prelude=fault(f"shutil.rmtree({str(root)!r})")).splitlines()
    assert "No such file" in line, line
    assert step_of(out) == 4
    os.rename(kept, root)
    assert_goes_on(recipe, out, tmp_path / "whole")


def test_a_folder_that_can_not_be_written_to(tmp_path: Path) -> None:
    process = start(write_recipe(tmp_path), Path("/proc/ssltoolbox"))
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 2
    assert errors.startswith("can't write to /proc/ssltoolbox: ")
    assert len(errors.splitlines()) == 1
