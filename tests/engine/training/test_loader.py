"""Which process prepares a batch."""

import os
from collections import namedtuple

import pytest
from support.runs import run_tiny, write_recipe

from ssltoolbox.engine.core.stages import Stages
from ssltoolbox.engine.training import loader


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
