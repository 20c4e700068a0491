"""Which process prepares a batch, and how it comes to the device."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from helpers.runs import may_mount, run_tiny, write_recipe, write_script
from torch import Tensor
from torch.utils.data._utils.pin_memory import pin_memory

from ssltoolbox.api import Batch
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core import shared_memory
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import Drawn, Stages
from ssltoolbox.engine.training import loader
from ssltoolbox.engine.training.loader import Loading, RunData
from ssltoolbox.plan import load_plan


@pytest.fixture
def preparing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """The processes that prepared the batches of a short run."""
    log = tmp_path / "log"
    prepare = Stages.__call__

    def logged(self: Stages, *arguments: Any) -> Any:
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return prepare(self, *arguments)

    monkeypatch.setattr(Stages, "__call__", logged)

    def run(*changes: str) -> list[str]:
        run_tiny(write_recipe(tmp_path), tmp_path / "run", "trainer.steps=3", *changes)
        return log.read_text().split()

    return run


def test_without_workers_this_one(preparing: Callable[..., list[str]]) -> None:
    assert preparing("trainer.workers=0") == [str(os.getpid())] * 3


def test_workers_each_a_batch_in_turn(preparing: Callable[..., list[str]]) -> None:
    processes = preparing("trainer.workers=2")
    assert len(processes) == 3
    assert len(set(processes)) == 2
    assert str(os.getpid()) not in processes


@pytest.fixture
def loading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Loading]:
    """How a run of two workers loads where that many batches fit into shared memory, as loaded or as prepared."""

    def fitting(batches: int, prepared: bool = False, *changes: str) -> Loading:
        plan = load_plan(write_recipe(tmp_path), ["trainer.workers=2", *changes])
        components = Components(plan)
        loaded, views = loader._batch_bytes(components, processes=1)
        room = batches * (loaded + views * prepared) / shared_memory.USABLE + 1
        monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)
        monkeypatch.setattr(shared_memory.shutil, "disk_usage", lambda path: SimpleNamespace(free=room))
        return loader.loading_of(components, torch.nn.Identity())

    return fitting


def test_workers_prepare_where_what_they_have_ready_fits(loading: Callable[..., Loading]) -> None:
    """Two batches ahead each, and three in the main process."""
    assert loading(2 * 2 + 3, prepared=True) == Loading(workers=2, ahead=2, prepares=True)


def test_workers_only_load_where_the_views_do_not_fit(loading: Callable[..., Loading]) -> None:
    found = loading(4 * 2 + 3)
    assert found == Loading(workers=2, ahead=4)
    assert not found.note


@pytest.mark.parametrize(("batches", "workers"), [(5, 2), (4, 1), (3, 0), (0, 0)])
def test_fewer_workers_where_frames_do_not_fit(
    loading: Callable[..., Loading], batches: int, workers: int
) -> None:
    found = loading(batches)
    assert (found.workers, found.ahead, found.prepares) == (workers, 1, False)
    assert bool(found.note) == (workers < 2)
    assert not found.note or f"{workers} of 2" in found.note


def test_what_workers_lay_there_is_measured(tmp_path: Path) -> None:
    """All tensors of a prepared batch, within the few bytes of its rows."""
    components = Components(load_plan(write_recipe(tmp_path)))
    drawn = Drawn(Position(step=0), components.batches.__getitems__([(0, slot) for slot in range(8)]))
    sizes = loader._batch_bytes(components, processes=1)
    assert sizes[0] == shared_memory.tensor_bytes(drawn)
    assert sum(sizes) == pytest.approx(shared_memory.tensor_bytes(components.stages(drawn)), rel=0.01)


@pytest.mark.slow
@pytest.mark.parametrize("room", [None, 10**12], ids=["measured", "taken"])
def test_a_small_shared_memory(tmp_path: Path, room: int | None) -> None:
    """A real one; where something else takes the room that was measured, a run ends with a line."""
    if not may_mount():
        pytest.skip("nothing may be mounted here")
    recipe = write_recipe(
        tmp_path, ("frames: 20, size: 32", "frames: 4, size: 256"), ("workers: 0", "workers: 2")
    )
    prelude = "" if room is None else LIE.format(room)
    script = write_script(tmp_path, prelude)
    command = [sys.executable, str(script), "train", str(recipe), "--out", str(tmp_path / "run")]
    small = 'mount -t tmpfs -o size=4m tmpfs /dev/shm; exec "$@"'
    done = subprocess.run(
        ["unshare", "-rm", "bash", "-c", small, "-", *command],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if room is None else 1), done.stderr
    assert ("of 2 loader workers" in done.stdout) == (room is None)
    assert ("shared memory" in done.stderr) == (room is not None)


LIE = """
from types import SimpleNamespace
from ssltoolbox.engine.core import shared_memory
shared_memory.shutil = SimpleNamespace(disk_usage=lambda path: SimpleNamespace(free={}))
"""


TENSORS = 8


@pytest.fixture
def batch() -> Batch:
    numbers = torch.arange(2)
    return Batch(
        frames=torch.zeros(2, 2, 3, 4, 4, dtype=torch.uint8),
        landmarks=torch.zeros(2, 2, 68, 2),
        draw=numbers,
        clip=numbers[:, None].expand(2, 2),
        identity=numbers[:, None].expand(2, 2),
        time=torch.zeros(2, 2),
        labels={"expression": torch.zeros(2, 2), "valence": torch.zeros(2, 2)},
        counts={"frames_read": 4},
    )


def test_the_loader_pins_every_tensor(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the function that torch's loader calls; a type that it doesn't know would be left as it is."""
    pinned = []
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor.clone())
    moved = pin_memory(batch)
    assert len(pinned) == TENSORS
    assert moved.frames is not batch.frames
    assert moved.labels["valence"] is not batch.labels["valence"]
    assert moved.counts == batch.counts


def test_nothing_waits_for_a_copy_to_the_gpu(batch: Batch, monkeypatch: pytest.MonkeyPatch) -> None:
    copied = []

    def to(tensor: Tensor, device: torch.device, non_blocking: bool = False) -> Tensor:
        copied.append((device.type, non_blocking))
        return tensor

    monkeypatch.setattr(Tensor, "to", to)
    RunData.transfer_batch_to_device(None, batch, torch.device("cuda"), 0)
    assert copied == [("cuda", True)] * TENSORS
