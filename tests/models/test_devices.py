"""Which device computes, on machines that are faked."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from helpers.runs import run_tiny, write_recipe
from lightning_fabric.accelerators import MPSAccelerator
from torch import nn

from ssltoolbox.engine.training.launch import World
from ssltoolbox.engine.training.trainer import build_trainer
from ssltoolbox.models.devices import best_device, to_device, unused_gpu
from ssltoolbox.models.lightning import quiet_lightning
from ssltoolbox.plan import load_plan


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    def has(*, cuda: bool = False, mps: bool = False) -> None:
        monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
        monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
        monkeypatch.setattr(platform, "processor", lambda: "arm" if mps else "x86_64")
        MPSAccelerator.is_available.cache_clear()

    yield has
    MPSAccelerator.is_available.cache_clear()


@pytest.mark.parametrize(
    ("gpus", "device", "is_told"),
    [({}, "cpu", False), ({"cuda": True}, "cuda", False), ({"mps": True}, "cpu", True)],
    ids=["no GPU", "CUDA", "Apple"],
)
def test_the_best_device_is_cuda_or_the_cpu(
    machine: Callable[..., None], gpus: dict[str, bool], device: str, is_told: bool
) -> None:
    machine(**gpus)
    assert best_device() == torch.device(device)
    assert ("Apple" in unused_gpu() and "CPU" in unused_gpu()) == is_told


def test_the_trainer_leaves_an_apple_gpu_alone(machine: Callable[..., None], tmp_path: Path) -> None:
    machine(mps=True)
    assert MPSAccelerator.is_available()
    with quiet_lightning():
        trainer = build_trainer(load_plan(write_recipe(tmp_path)), World(), tmp_path)
    assert trainer.strategy.root_device == torch.device("cpu")


def test_a_run_on_an_apple_machine_uses_the_cpu_with_one_line(
    machine: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine(mps=True)
    run = run_tiny(write_recipe(tmp_path), tmp_path / "run", "trainer.steps=1", "evaluate=[identity]")
    assert run.evaluation["identity"]
    assert capsys.readouterr().out.splitlines().count(unused_gpu()) == 1


def test_only_modules_are_moved() -> None:
    module = nn.Linear(1, 1)
    assert to_device(module, torch.device("meta")).weight.device.type == "meta"
    assert to_device("view", torch.device("meta")) == "view"
