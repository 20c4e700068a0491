"""Measures the cost of a recipe on this machine: a few timed steps, or the stages of a whole run."""

from __future__ import annotations

import math
import resource
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from pytorch_lightning.profilers import SimpleProfiler
from rich.table import Table

from ssltoolbox.api import UserError
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import shared_with
from ssltoolbox.engine.training.launch import World
from ssltoolbox.engine.training.loader import RunData, loading_of
from ssltoolbox.engine.training.trainer import build_module, build_trainer, failures_explained
from ssltoolbox.models import unseen_border
from ssltoolbox.models.lightning import quiet_lightning
from ssltoolbox.plan import Plan

WARM_UP_STEPS = 2
"""Steps before timing begins: the first steps allocate memory, choose algorithms and start the workers."""
LEAST_STEPS = 3
MOST_SECONDS = 10.0
"""Timing ends after this time, once `LEAST_STEPS` are done."""
MOST_STEPS = 200


@dataclass(frozen=True)
class StepCost:
    """The cost of a step on one device, with the device's share of the batch.

    Attributes:
        backbone: parameters of the backbone.
        learning: trained parameters, including heads.
        parameters: all parameters, including momentum networks and frozen helpers.
        steps: steps that were timed.
        seconds: mean time of a step.
        images: images of a step on this device, both sides of every instance.
        memory: peak in bytes, of torch's allocator on a GPU, else of this process.
        device: such as "cpu" or "NVIDIA H100".
        devices: devices that the run would use, on all nodes.
        notes: lines for the user about the backbone.
    """

    backbone: int
    learning: int
    parameters: int
    steps: int
    seconds: float
    images: int
    memory: int
    device: str
    devices: int
    notes: tuple[str, ...] = ()


def measure(plan: Plan) -> StepCost:
    """Trains a few steps of the plan on one device, and discards the result.

    If a run would use several devices, this one gets its share of the batch, without communication.

    Raises:
        UserError: when the recipe doesn't train.
        SslToolboxError: when a step fails.
    """
    if not plan.trains:
        raise UserError(f"method {plan.method.key!r} doesn't train: there are no steps to measure")
    requested = plan.recipe.trainer.devices
    devices = max(1, torch.cuda.device_count()) if requested == "auto" else requested
    devices *= plan.recipe.trainer.nodes
    share = _share(plan, devices)
    clock = _StepTimer()
    components = Components(share)
    with TemporaryDirectory() as folder, quiet_lightning(), components.blame.assigned():
        trainer = build_trainer(share, World(), Path(folder), [clock])
        module = build_module(components, distributed=False, failure_path=Path(folder, "failure.json"))
        loading = loading_of(components, module.method.backbone)
        with shared_with(loading.workers), failures_explained(trainer):
            trainer.fit(module, datamodule=RunData(components, loading))
    device = trainer.strategy.root_device
    return StepCost(
        backbone=_size(module.method.backbone.parameters()),
        learning=_size(p for p in module.parameters() if p.requires_grad),
        parameters=_size(module.parameters()),
        steps=clock.steps,
        seconds=clock.seconds / clock.steps,
        images=share.counts.images,
        memory=_peak_memory(device),
        device=torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        devices=devices,
        notes=tuple(filter(None, [unseen_border(module.method.backbone, plan.image_size), loading.note])),
    )


def _share(plan: Plan, devices: int) -> Plan:
    """The plan of one device among several, as short as a measurement."""
    counts = plan.counts
    return replace(
        plan,
        counts=replace(
            counts,
            instances=counts.instances // devices,
            compared=counts.compared // devices,
            draws=counts.draws // devices,
            images=counts.images // devices,
            steps=WARM_UP_STEPS + MOST_STEPS,
        ),
    )


class _StepTimer(Callback):
    """Times steps after the warm-up, and stops the Trainer after enough of them."""

    def __init__(self) -> None:
        self.steps = 0
        self.seconds = math.nan
        self._start = math.nan

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Updates the time after each step."""
        if (index + 1) % trainer.accumulate_grad_batches:
            return
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.synchronize()
        now, done = time.perf_counter(), trainer.global_step
        if done == WARM_UP_STEPS:
            self._start = now
        elif done > WARM_UP_STEPS:
            self.steps, self.seconds = done - WARM_UP_STEPS, now - self._start
            trainer.should_stop = self.steps >= LEAST_STEPS and self.seconds >= MOST_SECONDS


def _size(parameters: Any) -> int:
    return sum(parameter.numel() for parameter in parameters)


def _peak_memory(device: torch.device) -> int:
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


STAGES: Mapping[str, str] = {
    "waiting for data": "train_dataloader_next",
    "describe (maskers)": "describe",
    "render (generators)": "render",
    "views": "views",
    "method, forward": "method",
    "backward": "backward",
}
PREPARING = ("describe", "render", "views")
BY_WORKERS = "The loader's workers describe, render and make the views."
STEP = "run_training_batch"
"""A step without waiting for data."""


def stage_table(profiler: SimpleProfiler) -> Table:
    """Seconds, milliseconds per step, and share of each stage that ran in this process.

    A GPU works asynchronously: there the time of a stage is the time to launch its work, and the time of the
    method includes the work of the stages before it.
    """
    recorded = profiler.recorded_durations
    prepared_here = any(_is(action, STAGES["views"]) for action in recorded)
    table = Table(
        title="Where the time went",
        title_justify="left",
        caption=None if prepared_here else BY_WORKERS,
        caption_justify="left",
    )
    for column in ("stage", "seconds", "ms a step", "share"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    shown = {stage: name for stage, name in STAGES.items() if prepared_here or name not in PREPARING}
    seconds = {stage: _total(recorded, name) for stage, name in shown.items()}
    steps = max(1, len(recorded.get(STEP, ())))
    total = seconds["waiting for data"] + _total(recorded, STEP)
    seconds["optimiser and the rest"] = total - sum(seconds.values())
    for stage, spent in seconds.items():
        table.add_row(stage, f"{spent:.2f}", f"{1000 * spent / steps:.2f}", f"{spent / max(total, 1e-9):.0%}")
    return table


def _total(recorded: Mapping[str, Sequence[float]], name: str) -> float:
    """The seconds of an action, whichever part of Lightning its full name begins with."""
    return sum(sum(times) for action, times in recorded.items() if _is(action, name))


def _is(action: str, name: str) -> bool:
    return action.rsplit(".", 1)[-1] == name
