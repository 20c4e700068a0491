"""The callback. This module is imported only when a run needs it."""

from __future__ import annotations

import logging
from typing import Any

import pytorch_lightning as pl

from ssltoolbox.api import RunSetting
from ssltoolbox_count_rows import CountRowsOptions

log = logging.getLogger(__name__)


class CountRows(pl.Callback):
    """Counts the rows of the whole run, also if it is resumed."""

    def __init__(self, options: CountRowsOptions, setting: RunSetting) -> None:
        self.options = options
        self.rows = 0

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Adds the rows of a micro-batch."""
        self.rows += len(outputs["rows"].draw)
        if trainer.global_step % self.options.every == 0:
            log.info("%d rows after %d steps", self.rows, trainer.global_step)

    def state_dict(self) -> dict[str, Any]:
        """The state for the checkpoint."""
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restores the count after a resume."""
        self.rows = state_dict["rows"]
