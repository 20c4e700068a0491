"""The data loader: one pass over all remaining steps of a run."""

from __future__ import annotations

from dataclasses import dataclass

import pytorch_lightning as pl
import torch
from torch import nn

from ssltoolbox.api import UserError
from ssltoolbox.data.drawing.batches import DrawnBatches
from ssltoolbox.data.drawing.sampler import DrawSampler, Request, Sharing
from ssltoolbox.engine.core.blame import Blame
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import worker_count
from ssltoolbox.engine.core.reading import Fetched, Loader
from ssltoolbox.engine.core.shared_memory import tensor_bytes, too_little, workers_with_room
from ssltoolbox.engine.core.stages import Drawn, MicroBatch, Stages
from ssltoolbox.engine.training.launch import World
from ssltoolbox.models.devices import best_device
from ssltoolbox.support.words import counted

_LOADED_AHEAD, _PREPARED_AHEAD, _LEAST_AHEAD = 4, 2, 1
"""Batches that a worker prefetches: views take more shared memory than frames."""


@dataclass(frozen=True)
class Fetch:
    """Draws and loads a micro-batch; with `stages`, also prepares it."""

    batches: DrawnBatches
    stages: Stages | None
    blame: Blame

    def __call__(self, request: Request) -> MicroBatch:
        """The micro-batch, as loaded or prepared."""
        # Inside the worker, because the traceback stays there.
        with self.blame.assigned():
            drawn = Drawn(request.position, self.batches.__getitems__(request.draws))
            return self.stages(drawn) if self.stages else drawn


@dataclass(frozen=True)
class Loading:
    """How a process of a run loads its batches.

    Attributes:
        workers: of its loader.
        ahead: batches that each of them is ahead.
        prepares: True where they also describe, render and make the views.
        note: a line for the user where there are fewer workers than wanted; else empty.
    """

    workers: int
    ahead: int = _LOADED_AHEAD
    prepares: bool = False
    note: str = ""


def loading_of(
    components: Components, backbone: nn.Module, world: World | None = None, sharing: int = 1
) -> Loading:
    """The loading that `trainer.workers` asks for, or less if shared memory is too small for the workers' batches.

    If there is no room for the views as well as the frames, the workers only load frames. If there is no room for
    the frames of all workers, there are fewer workers.

    Args:
        components: of the run.
        backbone: the network that is trained.
        world: the processes of the run; one if not given.
        sharing: how many of them share the machine.
    """
    world = world or World()
    workers = worker_count(components.plan, backbone, components, sharing)
    if not workers:
        return Loading(0)
    drawn, views = _batch_bytes(components, world.size)
    may_prepare = _workers_may_prepare(components.stages, world.size)
    if may_prepare and workers_with_room(workers, drawn + views, _PREPARED_AHEAD, sharing) == workers:
        return Loading(workers, _PREPARED_AHEAD, prepares=True)
    if workers_with_room(workers, drawn, _LOADED_AHEAD, sharing) == workers:
        return Loading(workers)
    fewer = workers_with_room(workers, drawn, _LEAST_AHEAD, sharing)
    return Loading(fewer, _LEAST_AHEAD, note=too_little(workers, fewer, drawn) if fewer < workers else "")


def _workers_may_prepare(stages: Stages, processes: int) -> bool:
    """Workers can't ask other processes for their draws."""
    alone = processes == 1 or not stages.needs_all_draws
    return alone and getattr(stages.view, "on_workers", best_device().type == "cpu")


def _batch_bytes(components: Components, processes: int) -> tuple[int, int]:
    """Bytes of a process's share of a micro-batch: as loaded, and what is added to it when it is prepared."""
    plan, stages = components.plan, components.stages
    draws = plan.counts.draws // (plan.recipe.trainer.accumulate * processes)
    with components.blame.assigned():
        one_draw = components.batches.__getitems__([(0, 0)])
    loaded = draws * tensor_bytes(one_draw)
    images = draws * one_draw.frames.shape[1]
    crops = images * stages.crops // one_draw.sides
    views = 4 * 3 * (images * plan.image_size**2 + crops * plan.crop_size**2)
    return loaded, views + (loaded if "batch" in stages.inputs else 0)


class RunData(pl.LightningDataModule):
    """Gives Lightning a data loader over the whole run, which starts after the steps that are done.

    For Lightning a run is one long epoch. So the number of done steps is all that a resumed run needs to know,
    and the workers do not pause between the epochs of the data.

    On a CPU the loader's workers also prepare the batches, so that the network does not wait. The result is the
    same.
    """

    def __init__(self, components: Components, loading: Loading) -> None:
        super().__init__()
        self.plan = components.plan
        self.batches = components.batches
        self.stages = components.stages
        self.blame = components.blame
        self.loading = loading

    def transfer_batch_to_device(
        self, micro_batch: MicroBatch, device: torch.device, dataloader_idx: int
    ) -> MicroBatch:
        """Copies from page-locked memory without waiting for the copy."""
        return micro_batch.to(device, non_blocking=True)

    def train_dataloader(self) -> Loader[MicroBatch]:
        """
        Raises:
            UserError: if the draws of a step can't be divided evenly among the ranks.
        """
        counts, recipe = self.plan.counts, self.plan.recipe.trainer
        trainer = self.trainer
        assert trainer is not None
        shares = recipe.accumulate * trainer.world_size
        if counts.draws % shares:
            raise UserError(
                f"{counted(counts.draws, 'sample')} of a step can't be divided evenly between "
                f"{trainer.world_size} processes × {recipe.accumulate} micro-batches",
                f"choose a trainer.batch_size divisible by {shares * (1 + counts.hard_negatives)}",
            )
        sharing = Sharing(
            steps_per_epoch=counts.steps_per_epoch,
            draws=counts.draws,
            accumulate=recipe.accumulate,
            ranks=trainer.world_size,
            rank=trainer.global_rank,
        )
        fetch = Fetch(self.batches, self.stages if self.loading.prepares else None, self.blame)
        workers = self.loading.workers
        return Loader(
            Fetched(fetch, len(self.batches)),
            sampler=DrawSampler(sharing, counts.steps, lambda: trainer.global_step),
            batch_size=None,
            num_workers=workers,
            prefetch_factor=self.loading.ahead if workers else None,
            pin_memory=trainer.strategy.root_device.type == "cuda",
        )
