"""Which process prepares a batch, and how it comes to the device."""

import os
from collections import namedtuple

import pytest
import torch
from support.runs import run_tiny, write_recipe
from torch import Tensor
from torch.utils.data._utils.pin_memory import pin_memory

from ssltoolbox.api import Batch
from ssltoolbox.engine.core.stages import Stages
from ssltoolbox.engine.training import loader
from ssltoolbox.engine.training.loader import RunData


@pytest.fixture
def preparing(tmp_path, monkeypatch):
    """The processes that prepared the batches of a short run."""
    log = tmp_path / "log"
    prepare = Stages.__call__

    def logged(self, *arguments):
        with log.open("a") as file:
            file.write(f"{os.getpid()}\n")
        return prepare(self, *arguments)

    monkeypatch.setattr(Stages, "__call__", logged)

    def run(*changes):
        run_tiny(write_recipe(tmp_path), tmp_path / "run", "trainer.steps=3", *changes)
        return log.read_text().split()

    return run


def test_without_workers_this_one(preparing):
    assert preparing("trainer.workers=0") == [str(os.getpid())] * 3


def test_workers_each_a_batch_in_turn(preparing):
    processes = preparing("trainer.workers=2")
    assert len(processes) == 3
    assert len(set(processes)) == 2
    assert str(os.getpid()) not in processes


@pytest.mark.parametrize(
    ("free", "by_worker"), [(16 * 3 * 32**2 * 4 * 3 + 1, True), (16 * 3 * 32**2 * 4 * 3, False)]
)
def test_workers_where_what_they_have_ready_fits(preparing, tmp_path, monkeypatch, free, by_worker):
    """16 images of 32 pixels, in floats: two batches ahead, and one in use."""
    usage = namedtuple("usage", "free")(free)
    monkeypatch.setattr(loader, "_SHARED_MEMORY", tmp_path)
    monkeypatch.setattr(loader.shutil, "disk_usage", lambda path: usage)
    assert (str(os.getpid()) not in preparing("trainer.workers=1")) is by_worker


TENSORS = 8


@pytest.fixture
def batch():
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


def test_the_loader_pins_every_tensor(batch, monkeypatch):
    """By the function that torch's loader calls; a type that it doesn't know would be left as it is."""
    pinned = []
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: pinned.append(tensor) or tensor.clone())
    moved = pin_memory(batch)
    assert len(pinned) == TENSORS
    assert moved.frames is not batch.frames
    assert moved.labels["valence"] is not batch.labels["valence"]
    assert moved.counts == batch.counts


def test_nothing_waits_for_a_copy_to_the_gpu(batch, monkeypatch):
    copied = []

    def to(tensor, device, non_blocking=False):
        copied.append((device.type, non_blocking))
        return tensor

    monkeypatch.setattr(Tensor, "to", to)
    RunData.transfer_batch_to_device(None, batch, torch.device("cuda"), 0)
    assert copied == [("cuda", True)] * TENSORS
