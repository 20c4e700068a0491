"""The loader: one pass over all the steps of a run that are left."""

from __future__ import annotations

from typing import Any

import pytorch_lightning as pl
import torch

from ssltoolbox.api import Batch, UserError
from ssltoolbox.data.batches import DrawnBatches
from ssltoolbox.data.sampler import Deal, SlotSampler
from ssltoolbox.engine.reading import Fetched, Loader, leave_signals_to_the_main_process
from ssltoolbox.engine.transfer import Transfer
from ssltoolbox.plan import Plan


class RunData(pl.LightningDataModule):
    """Gives Lightning a loader over the whole run, which starts where the run stands.

    To Lightning a run is one long epoch: it is then always resumed in the middle of one, at a step that is
    all the position there is, and the workers never pause between the epochs of the data.
    """

    def __init__(self, plan: Plan, batches: DrawnBatches, workers: int) -> None:
        super().__init__()
        self.plan = plan
        self.batches = batches
        self.workers = workers
        self._transfer = Transfer()

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """Lightning's own would wait for the copy."""
        return self._transfer(batch, device)

    def train_dataloader(self) -> Loader[Batch]:
        """
        Raises:
            UserError: when a step can't be dealt to the ranks evenly.
        """
        counts, recipe = self.plan.counts, self.plan.recipe.trainer
        trainer = self.trainer
        assert trainer is not None
        parts = recipe.accumulate * trainer.world_size
        if counts.draws % parts:
            raise UserError(
                f"{counts.draws} draws of a step can't be dealt evenly to {trainer.world_size} processes"
                f" × {recipe.accumulate} micro-batches",
                f"choose a trainer.batch_size divisible by {parts * (1 + counts.hard_negatives)}",
            )
        deal = Deal(
            steps_per_epoch=counts.steps_per_epoch,
            draws=counts.draws,
            accumulate=recipe.accumulate,
            ranks=trainer.world_size,
            rank=trainer.global_rank,
        )
        return Loader(
            Fetched(self.batches.__getitems__, len(self.batches)),
            batch_sampler=SlotSampler(deal, counts.steps, lambda: trainer.global_step),
            collate_fn=_as_it_is,
            num_workers=self.workers,
            prefetch_factor=4 if self.workers else None,
            worker_init_fn=leave_signals_to_the_main_process if self.workers else None,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )


def _as_it_is(batch: Any) -> Any:
    return batch
