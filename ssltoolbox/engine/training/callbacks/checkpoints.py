"""When a run is saved: after every so many steps, after the last, and when a signal stops it."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, Checkpoint


class SaveCheckpoints(Checkpoint):
    """Saves after every so many optimiser steps, and after the last.

    A checkpoint always lies between two steps, never between the micro-batches of one.
    """

    def __init__(self, path: Path, every: int, last: int, accumulate: int) -> None:
        self.path = path
        self.every = every
        self.last = last
        self.accumulate = accumulate
        self.saved_step = -1

    def between_steps(self, index: int) -> bool:
        """True after the last micro-batch of a step."""
        return (index + 1) % self.accumulate == 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Saves when it is time."""
        step = trainer.global_step
        if self.between_steps(index) and (step % self.every == 0 or step == self.last):
            self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Saves now; called on all ranks."""
        if self.saved_step != trainer.global_step:
            # Lightning logs a step after this hook: killed in between, a run would never have its row.
            trainer._logger_connector.update_train_step_metrics()
            trainer.save_checkpoint(self.path)
            self.saved_step = trainer.global_step


class StopOnSignal(Callback):
    """On Ctrl-C or SIGTERM: finishes the step, saves, and stops. A second signal stops at once.

    Attributes:
        received: the signal's number, once one came on any rank.
    """

    SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self, saver: SaveCheckpoints) -> None:
        self.saver = saver
        self.received: int | None = None

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Takes the signals over; Lightning gives them back at the end."""
        for number in self.SIGNALS:
            signal.signal(number, self._remember)

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Saves and stops between two steps, on all ranks together."""
        if not self.saver.between_steps(index):
            return
        stop = self.received is not None
        if trainer.world_size > 1:
            stop = trainer.strategy.reduce_boolean_decision(stop, all=False)
        if stop:
            self.received = self.received or signal.SIGTERM
            self.saver.save(trainer)
            trainer.should_stop = True

    def _remember(self, number: int, _: FrameType | None) -> None:
        if self.received is not None:
            raise KeyboardInterrupt
        self.received = number
