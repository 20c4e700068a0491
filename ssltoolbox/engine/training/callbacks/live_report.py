"""Writes the report of a run while it trains."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from torch import nn

from ssltoolbox.engine.inspect.reporting import write_page
from ssltoolbox.engine.runs.clock import Clock
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.training.ranks import is_logged

SECONDS_BETWEEN = 60.0
"""The least time from one report to the next, and from the start to the first one."""
COST_SHARE = 0.01
"""The most that reports may take of the training's time."""


class LiveReport(Callback):
    """Writes report.html from the files of the run at logged steps, as often as costs little. Only rank 0 writes.

    Call it after the online probe: the report has its numbers then.
    """

    def __init__(self, folder: RunFolder, console: Console) -> None:
        self.folder = folder
        self.console = console
        self._clock = Clock(folder)
        self._due = 0.0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Records what the report says of the network and the machine."""
        if not trainer.is_global_zero:
            return
        backbone: nn.Module = module.method.backbone  # type: ignore[union-attr, assignment]
        parameters = sum(each.numel() for each in backbone.parameters())
        self.folder.add(parameters=parameters, device=_device_text(module.device, trainer.world_size))
        self._due = time.monotonic() + SECONDS_BETWEEN

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Writes the report if it is due."""
        begun = time.monotonic()
        if not (trainer.is_global_zero and begun >= self._due and is_logged(trainer, index)):
            return
        self._clock.record()
        write_page(self.folder, self.console)
        now = time.monotonic()
        self._due = now + max(SECONDS_BETWEEN, (now - begun) / COST_SHARE)


def _device_text(device: torch.device, count: int) -> str:
    """Such as `4 × NVIDIA H100`."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type.upper()
    return name if count == 1 else f"{count} × {name}"
