"""The loader: one pass over all the steps of a run that are left."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch

from ssltoolbox.api import UserError
from ssltoolbox.data.drawing.batches import DrawnBatches
from ssltoolbox.data.drawing.sampler import Request, Sharing, SlotSampler
from ssltoolbox.engine.core.blame import Blame
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.reading import Fetched, Loader, leave_signals_to_the_main_process
from ssltoolbox.engine.core.stages import Drawn, MicroBatch, Stages

_SHARED_MEMORY = Path("/dev/shm")
"""Where Linux keeps what workers give to the process that they work for."""
_LOADED_AHEAD, _PREPARED_AHEAD = 4, 2
"""Batches that a worker is ahead: views take several times the shared memory of frames."""


@dataclass(frozen=True)
class Fetch:
    """Draws and loads what is wanted, and on a loader's worker that is to do so prepares it too."""

    batches: DrawnBatches
    stages: Stages | None
    blame: Blame

    def __call__(self, request: Request) -> MicroBatch:
        """The batch as far as it gets on this side."""
        # Here, because the traceback does not leave a worker.
        with self.blame.assigned():
            drawn = Drawn(request.position, self.batches.__getitems__(request.slots))
            return self.stages(drawn) if self.stages else drawn


class RunData(pl.LightningDataModule):
    """Gives Lightning a loader over the whole run, which starts where the run stands.

    To Lightning a run is one long epoch: it is then always resumed in the middle of one, at a step that is
    all the position there is, and the workers never pause between the epochs of the data.

    Where the device is a CPU, the loader's workers prepare what they load, so that the network need not wait. The
    outcome is the same.
    """

    def __init__(self, components: Components, workers: int) -> None:
        super().__init__()
        self.plan = components.plan
        self.batches = components.batches
        self.stages = components.stages
        self.blame = components.blame
        self.workers = workers

    def transfer_batch_to_device(
        self, micro_batch: MicroBatch, device: torch.device, dataloader_idx: int
    ) -> MicroBatch:
        """From page-locked memory, without waiting for the copy as Lightning's own would."""
        return micro_batch.to(device, non_blocking=True)

    def train_dataloader(self) -> Loader[MicroBatch]:
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
        sharing = Sharing(
            steps_per_epoch=counts.steps_per_epoch,
            draws=counts.draws,
            accumulate=recipe.accumulate,
            ranks=trainer.world_size,
            rank=trainer.global_rank,
        )
        device = trainer.strategy.root_device.type
        # Workers can't ask other processes for their draws.
        alone = trainer.world_size == 1 or not self.stages.needs_all_draws
        wanted = getattr(self.stages.view, "on_workers", device == "cpu")
        prepares = wanted and alone and self.workers > 0 and self._views_fit()
        fetch = Fetch(self.batches, self.stages if prepares else None, self.blame)
        ahead = _PREPARED_AHEAD if prepares else _LOADED_AHEAD
        return Loader(
            Fetched(fetch, len(self.batches)),
            sampler=SlotSampler(sharing, counts.steps, lambda: trainer.global_step),
            batch_size=None,
            collate_fn=_as_it_is,
            num_workers=self.workers,
            prefetch_factor=ahead if self.workers else None,
            worker_init_fn=leave_signals_to_the_main_process if self.workers else None,
            pin_memory=device == "cuda",
        )

    def _views_fit(self) -> bool:
        """Whether there is room for all that workers may have ready; containers often have as little as 64 MB."""
        if not _SHARED_MEMORY.is_dir():
            return True
        images = self.plan.counts.images // self.plan.recipe.trainer.accumulate
        views = images * 3 * self.plan.image_size**2 * 4
        return views * (_PREPARED_AHEAD * self.workers + 1) < shutil.disk_usage(_SHARED_MEMORY).free


def _as_it_is(batch: Any) -> Any:
    return batch
