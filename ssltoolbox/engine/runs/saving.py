"""Saves checkpoints at a fixed interval, after the last step, and when a signal stops the run."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback, Checkpoint

from ssltoolbox.support.interruption import STOP_SIGNALS, Interrupted


class SaveCheckpoints(Checkpoint):
    """Saves after every `every` optimiser steps, and after the last step.

    A checkpoint is saved only between two steps, never between the micro-batches of a step.
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
        """Saves if a checkpoint is due."""
        step = trainer.global_step
        if self.between_steps(index) and (step % self.every == 0 or step == self.last):
            self.save(trainer)

    def save(self, trainer: pl.Trainer) -> None:
        """Saves now; called on all ranks."""
        if self.saved_step != trainer.global_step:
            # Lightning logs a step after this hook. A run killed in between would never get that row.
            trainer._logger_connector.update_train_step_metrics()
            trainer.save_checkpoint(self.path)
            self.saved_step = trainer.global_step


class StoppedAtOnce(BaseException):
    """A second Ctrl-C. A `BaseException`, so that no `except Exception` catches it."""


class StopOnSignal(Callback):
    """On a signal, finishes the step, saves and stops.

    This holds for SIGINT (Ctrl-C), SIGTERM, SIGHUP (the terminal was closed), and SIGUSR1 and SIGUSR2 (a
    scheduler's notice before a job ends). Only a second Ctrl-C stops at once; schedulers may repeat their signals.

    Attributes:
        received: number of the signal; None if no rank has received any.
    """

    def __init__(self, saver: SaveCheckpoints) -> None:
        self.saver = saver
        self.received: int | None = None
        self._at_once = False

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handles the signals while the Trainer is set up, trains and ends.

        Raises:
            KeyboardInterrupt: when a signal came after the Trainer had ended.
        """
        if threading.current_thread() is not threading.main_thread():
            yield  # Python delivers signals only to the main thread
            return
        before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
        self._listen()
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, signal.SIG_IGN if self._would_raise_again(number, handler) else handler)
        if self.received is not None:
            raise KeyboardInterrupt

    def _would_raise_again(self, number: int, handler: Any) -> bool:
        """True for the command line's handler where the command is on its way out already."""
        return self.received is not None and number != signal.SIGINT and callable(handler)

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Installs the handlers again, because Lightning has replaced them."""
        if threading.current_thread() is threading.main_thread():
            self._listen()

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

    @contextmanager
    def explained(self, trainer: pl.Trainer, resume_command: str) -> Iterator[None]:
        """
        Raises:
            Interrupted: when a signal has stopped the Trainer; the message has the command that resumes the run.
        """
        resume = f"resume with: {resume_command}"
        try:
            yield
        except StoppedAtOnce:
            raise Interrupted(f"stopped at once, without a checkpoint of this step; {resume}") from None
        if self.received is not None:
            raise Interrupted(
                f"stopped at step {trainer.global_step} of {self.saver.last}, and saved; {resume}"
            )

    def _listen(self) -> None:
        for number in STOP_SIGNALS:
            # nohup ignores SIGHUP, so that a run continues without its terminal.
            if number == getattr(signal, "SIGHUP", None) and signal.getsignal(number) is signal.SIG_IGN:
                continue
            signal.signal(number, self._answer)

    def _answer(self, number: int, _: FrameType | None) -> None:
        if self.received is None:
            self.received = number
        elif number == signal.SIGINT and not self._at_once:
            self._at_once = True
            raise StoppedAtOnce
