"""Progress: a live line in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Callback
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

SECONDS_BETWEEN_LINES = 10.0
SECONDS_OF_A_RATE = 1.0
"""How long images are counted for a rate."""


class ShowProgress(Callback):
    """Shows step, loss, images per second and the time left, and logs the images per second and the GPU memory.

    Args:
        console: where to.
        images: images of an optimiser step, over all ranks.
        steps: steps of the whole run.
        steps_per_epoch: for the epoch that is shown.
        accumulate: micro-batches of a step.
        log_steps: steps from one row of the log to the next.
    """

    def __init__(
        self,
        console: Console,
        images: int,
        steps: int,
        steps_per_epoch: int,
        accumulate: int,
        log_steps: int,
    ) -> None:
        self.console = console
        self.images = images
        self.steps = steps
        self.steps_per_epoch = steps_per_epoch
        self.accumulate = accumulate
        self.log_steps = log_steps
        self._bar: Progress | None = None
        self._task = TaskID(0)
        self._mark = (0, 0.0)
        self._line_at = 0.0
        self._rate = 0.0

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Opens the live line."""
        self._mark = (trainer.global_step, time.perf_counter())
        self._line_at = time.perf_counter() + SECONDS_BETWEEN_LINES / 5
        if not trainer.is_global_zero or not self.console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(bar_width=None),
            TextColumn("loss {task.fields[loss]}  {task.fields[rate]} images/s"),
            TimeRemainingColumn(),
            console=self.console,
        )
        self._task = self._bar.add_task(
            "train", total=self.steps, completed=trainer.global_step, loss="–", rate="–"
        )
        self._bar.start()

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Moves on after each step."""
        step = trainer.global_step
        if (index + 1) % self.accumulate or not trainer.is_global_zero:
            return
        now = time.perf_counter()
        since_step, since = self._mark
        if now - since >= SECONDS_OF_A_RATE:
            self._rate = (step - since_step) * self.images / (now - since)
            self._mark = (step, now)
        if step % self.log_steps == 0 and self._rate:
            module.log("images_per_s", self._rate)
        if step % self.log_steps == 0 and torch.cuda.is_available():
            module.log("gpu_memory_gib", torch.cuda.max_memory_allocated() / 2**30)
        due = now >= self._line_at
        loss = f"{float(outputs['loss']) * self.accumulate:.3f}"
        if self._bar:
            rate = f"{self._rate:,.0f}" if self._rate else "–"
            self._bar.update(self._task, completed=step, loss=loss, rate=rate)
        elif due:
            self._line_at = now + SECONDS_BETWEEN_LINES
            self.console.print(self._line(step, loss), highlight=False, soft_wrap=True)

    def on_train_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Closes the live line."""
        self._close()

    def on_exception(self, trainer: pl.Trainer, module: pl.LightningModule, exception: BaseException) -> None:
        """Leaves the terminal as it was."""
        self._close()

    def _close(self) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _line(self, step: int, loss: str) -> str:
        left = (self.steps - step) * self.images / max(self._rate, 1e-9)
        epoch = (step - 1) // self.steps_per_epoch + 1
        return (
            f"step {step}/{self.steps}  epoch {epoch}  loss {loss}  {self._rate:,.0f} images/s  "
            f"{int(left) // 60}:{int(left) % 60:02d} left"
        )
