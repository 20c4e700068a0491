"""What breaks under a run: one clear line, exit 1, and nothing lost that had been written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from helpers import spots
from helpers.runs import TINY, may_mount, run_tiny, start, start_command, write_recipe, write_script
from PIL import Image

from ssltoolbox.cli.main import run as run_command
from ssltoolbox.data.index.reader import FrameIndex

pytestmark = pytest.mark.slow

IN_STEP = """
import os, resource, shutil, signal, torch
from ssltoolbox.engine.training.module import TrainingModule
step = TrainingModule.training_step
def with_fault(self, batch, index):
    if self.global_step == {step}{where}:
        {fault}
    return step(self, batch, index)
TrainingModule.training_step = with_fault
"""
FULL_DISK = "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))"
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
SLOW_END = """
import atexit, time
atexit.register(time.sleep, 7)
"""
DYING_WORKER = """
import os, signal, torch
from ssltoolbox.data.drawing.batches import DrawnBatches
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


def test_the_disk_fills_up(tmp_path: Path, count: Callable[[str], None]) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    (line,) = failed(recipe, out, prelude=fault(FULL_DISK)).splitlines()
    assert f"{out}/checkpoints/last.ckpt" in line
    assert "File too large" in line
    assert step_of(out) == 2
    assert_goes_on(recipe, out, tmp_path / "whole")
    count("stopped at step 4 with the checkpoint of step 2; then the same weights")


def test_memory_runs_out(tmp_path: Path, count: Callable[[str], None]) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    (line,) = failed(recipe, out, prelude=fault("torch.empty(10**15)")).splitlines()
    assert "out of memory at step 3" in line
    assert "DefaultCPUAllocator" in line
    assert "trainer.batch_size" in line
    assert "Traceback" in (out / "log.txt").read_text()
    assert_goes_on(recipe, out, tmp_path / "whole")
    count("stopped at step 3; then the same weights")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_worker_dies(tmp_path: Path, workers: int, count: Callable[[str], None]) -> None:
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    errors = failed(recipe, out, "--set", f"trainer.workers={workers}", prelude=DYING_WORKER)
    (line,) = (line for line in errors.splitlines() if line)
    assert "worker" in line
    assert "Killed" in line
    assert_goes_on(recipe, out, tmp_path / "whole")
    count(f"one of {workers}; then the same weights")


@pytest.mark.parametrize("how", [KILLED, "raise ValueError('a fault on one rank')"], ids=["killed", "failed"])
def test_a_rank_dies(tmp_path: Path, how: str, much: bool, count: Callable[[str], None]) -> None:
    """The others stop within a minute, and say why, even if it takes them some seconds to end."""
    ranks = 3 if much else 2
    recipe, out = write_recipe(tmp_path, ("batch_size: 8", "batch_size: 12")), tmp_path / "run"
    at = tmp_path / "at"
    prelude = fault(f"open({str(at)!r}, 'w').close(); {how}", where=" and self.global_rank == 1") + SLOW_END
    errors = failed(recipe, out, "--set", f"trainer.devices={ranks}", prelude=prelude)
    seconds = time.time() - at.stat().st_mtime
    assert seconds < 60
    count(f"one of {ranks} ranks; all had stopped after {seconds:.0f} s")
    for rank in range(ranks):
        assert (f"rank {rank} stops at step 3" in errors) == (rank != 1)
    assert (how == KILLED) or "ValueError: a fault on one rank\n" in errors
    assert step_of(out) == 2


@pytest.mark.parametrize("workers", [0, 2])
def test_images_that_vanish_fail_the_run_in_one_line(
    tmp_path: Path, workers: int, count: Callable[[str], None]
) -> None:
    """Whoever reads them says so in a line, and nobody waits for the other readers."""
    root = tmp_path / "faces"
    for clip in range(12):
        folder = root / f"person-{clip // 2}" / "video" / f"clip-{clip}"
        folder.mkdir(parents=True)
        for frame in range(8):
            Image.new("RGB", (32, 32), (20 * clip, 30 * frame, 99)).save(folder / f"{frame:03}.png")
    away = tmp_path / "away"
    (drawn,) = (line for line in TINY.splitlines() if line.startswith("data: "))
    recipe = write_recipe(tmp_path, (drawn, "data: {name: frames, root: faces, size: 32}"))
    out, steps = tmp_path / "run", f"trainer.steps={6 if workers == 0 else 40}"
    arguments = ("--set", f"trainer.workers={workers}", "--set", steps)
    # All at once: of images that go one by one, a batch may still replace some, and be trained.
    vanish = fault(f"os.rename({str(root)!r}, {str(away)!r})")
    (line,) = failed(recipe, out, *arguments, prelude=vanish).splitlines()
    assert "unreadable images" in line
    assert line.endswith("No such file or directory")
    reached = step_of(out)
    assert reached >= 4
    os.rename(away, root)
    assert_goes_on(recipe, out, tmp_path / "whole", steps)
    count(f"all of them at step 3, {workers} workers; a checkpoint of step {reached}; then the same weights")


def test_a_folder_that_can_not_be_written_to(tmp_path: Path) -> None:
    process = start(write_recipe(tmp_path), Path("/proc/ssltoolbox"))
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 2
    assert "/proc/ssltoolbox" in errors
    assert len(errors.splitlines()) == 1


ON_A_SMALL_DISK = """
mount -t tmpfs -o size=8m tmpfs "$1"
set +e
"$2" "$3/main.py" train "$3/tiny.yaml" --out "$1/run" > "$3/out" 2> "$3/errors"
echo $? > "$3/code"
cp "$1/run/log.txt" "$3"
eval "$4"
"$2" -m ssltoolbox train "$3/tiny.yaml" --out "$1/run" --resume && cp -r "$1/run" "$3/run"
"""


@pytest.mark.skipif(not may_mount(), reason="nothing may be mounted here")
@pytest.mark.parametrize(
    ("how", "reason", "undo"),
    [
        (
            "open({disk!r} + '/filler', 'wb', buffering=0).write(bytes(10**8))",
            "No space left on device",
            'rm "$1/filler"',
        ),
        (
            "os.system('mount --bind {disk} {disk} && mount -o remount,bind,ro {disk}')",
            "Read-only file system",
            'umount "$1"',
        ),
    ],
    ids=["full", "read-only"],
)
def test_a_disk_is_used_up(tmp_path: Path, how: str, reason: str, undo: str, much: bool) -> None:
    """A small one of its own, which fills up or can no longer be written to; resumed where there is room."""
    if "mount" in how and not much:
        pytest.skip("the other has the same way through the code")
    recipe, disk = write_recipe(tmp_path), tmp_path / "disk"
    disk.mkdir()
    write_script(tmp_path, fault(how.format(disk=str(disk))))
    arguments = [str(disk), sys.executable, str(tmp_path), undo]
    subprocess.run(["unshare", "-rm", "bash", "-c", ON_A_SMALL_DISK, "-", *arguments], check=True)
    (line,) = (tmp_path / "errors").read_text().splitlines()
    assert (tmp_path / "code").read_text() == "1\n", line
    assert reason in line
    assert "can't write " in line
    assert step_of(tmp_path / "run") == 6
    whole = run_tiny(recipe, tmp_path / "whole").folder
    one, two = (
        safetensors.torch.load_file(path / "backbone.safetensors") for path in (tmp_path / "run", whole.path)
    )
    assert all(torch.equal(one[key], two[key]) for key in two)


def test_a_process_that_finds_landmarks_dies(tmp_path: Path, count: Callable[[str], None]) -> None:
    """What was under way is done again."""
    for frame in range(12):
        folder = tmp_path / "frames" / "id" / "v" / "c"
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (32, 32), (220, 20, 20)).save(folder / f"{frame:02}.png")
    index = tmp_path / "i.index"
    assert run_command(["data", "index", str(tmp_path / "frames"), "-o", str(index)]) == 0
    log = tmp_path / "log"
    command = ("data", "landmarks", str(index), "--detector", "spots", "--plugin", spots.__file__)
    command += ("--workers", "2", "--set", "seconds=0.3", "--set", f"log={log}")
    prelude = "from ssltoolbox.data.index import detect\ndetect.BLOCK = 1\n"
    process = start_command(tmp_path, *command, prelude=prelude)
    while log.read_text().count(".") < 4 if log.exists() else True:
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)
    os.kill(int(log.read_text().splitlines()[0]), signal.SIGKILL)
    _, errors = process.communicate(timeout=600)
    assert process.returncode == 0, errors
    assert FrameIndex(index).landmarks is not None
    seen = log.read_text().count(".")
    assert seen <= 12 + 2
    count(f"one of 2; {seen} looks at 12 images")
