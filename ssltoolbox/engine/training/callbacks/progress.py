"""Shows the progress of training, and logs its speed."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console

from ssltoolbox.support.progress import ProgressLine
from ssltoolbox.tasks.words import column_words

SECONDS_TO_FIRST_LINE = 2.0
SECONDS_OF_A_RATE = 1.0
"""How long images are counted for a rate."""


class ShowProgress(Callback):
    """Shows step, epoch, loss, the last probe, images per second and the time left; logs speed and GPU memory.

    Args:
        console: where progress is shown.
        images: images of an optimiser step, over all ranks.
        steps: steps of the whole run.
        steps_per_epoch: optimiser steps, for the epoch that is shown.
        accumulate: micro-batches of a step.
        log_steps: steps from one row of the log to the next.
        scores: gives the scores of the last probe, by the names of their metrics.
    """

    def __init__(
        self,
        console: Console,
        images: int,
        steps: int,
        steps_per_epoch: int,
        accumulate: int,
        log_steps: int,
        scores: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self.images = images
        self.steps_per_epoch = steps_per_epoch
        self.accumulate = accumulate
        self.log_steps = log_steps
        self.scores = scores
        self._line = ProgressLine(console, steps, "step", SECONDS_TO_FIRST_LINE)
        self._rate_from = (0, 0.0)
        self._rate = 0.0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Opens the line, with the steps that an earlier part of the run has done."""
        self._rate_from = (trainer.global_step, time.perf_counter())
        if trainer.is_global_zero:
            self._line.start()
            self._line.advance(trainer.global_step)

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Moves on after each step."""
        if (index + 1) % self.accumulate or not trainer.is_global_zero:
            return
        step = trainer.global_step
        self._count_images(step)
        if step % self.log_steps == 0 and self._rate:
            module.log("images_per_s", self._rate)
        if step % self.log_steps == 0 and torch.cuda.is_available():
            module.log("gpu_memory_gib", torch.cuda.max_memory_allocated() / 2**30)
        epoch = (step - 1) // self.steps_per_epoch + 1
        loss = float(outputs["loss"]) * self.accumulate
        rate = f"{self._rate:,.0f}" if self._rate else "–"
        probed = [f"{column_words(metric)} {score:.2f}" for metric, score in self.scores().items()]
        self._line.advance(1, "  ".join([f"epoch {epoch}", f"loss {loss:.3f}", *probed, f"{rate} images/s"]))

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Closes the line."""
        self._line.stop()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        """Leaves the terminal as it was."""
        self._line.stop()

    def _count_images(self, step: int) -> None:
        """Takes a new rate when images were counted for long enough."""
        now = time.perf_counter()
        before, since = self._rate_from
        if now - since >= SECONDS_OF_A_RATE:
            self._rate = (step - before) * self.images / (now - since)
            self._rate_from = (step, now)
