"""Updates the maskers that learn."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch
from lightly.models.utils import concat_all_gather
from pytorch_lightning.callbacks import Callback
from torch import Tensor

from ssltoolbox.api import Rows, SslToolboxError
from ssltoolbox.losses import gather_rows


class UpdateMaskers(Callback):
    """Calls the maskers' `update` for each micro-batch, after its backward pass.

    It runs before callbacks that save, so that a checkpoint includes the update of its last step.
    """

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: Any, outputs: Any, batch: Any, index: int
    ) -> None:
        """Passes the rows and embeddings of all ranks."""
        maskers = module.stages.maskers
        if not maskers.learning:
            return
        if outputs["embeddings"] is None:
            raise SslToolboxError(
                f"masker {next(iter(maskers.learning))!r} learns from embeddings, and the method reports none: "
                "StepOutput.embeddings"
            )
        maskers.update(*_of_all_ranks(outputs["rows"], outputs["embeddings"], outputs["pairs"], trainer))


def _of_all_ranks(
    rows: Rows, embeddings: Tensor, pairs: Tensor | None, trainer: pl.Trainer
) -> tuple[Rows, Tensor]:
    """Side A of every rank, then side B of every rank; side A alone if the method reports no more."""
    instances = len(embeddings)
    sides = [(rows[:instances], embeddings)] + ([] if pairs is None else [(rows[instances:], pairs)])
    if trainer.world_size > 1:
        sides = [(gather_rows(own), concat_all_gather(side.contiguous())) for own, side in sides]
    first, *second = sides
    if not second:
        return first
    return first[0] + second[0][0], torch.cat([first[1], second[0][1]])
