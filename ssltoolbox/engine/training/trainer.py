"""Lightning's module and Trainer, as a plan asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.profilers import SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy
from torch.nn.parallel import DistributedDataParallel

from ssltoolbox.api import Method, SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.devices import best_device
from ssltoolbox.engine.runs.checkpoint import AtomicCheckpointIO
from ssltoolbox.engine.training.module import TrainingModule
from ssltoolbox.engine.training.sync_norm import SyncBatchNorm
from ssltoolbox.plan import Plan


def build_module(plan: Plan, components: Components, distributed: bool, failure_path: Path) -> TrainingModule:
    """What the Trainer trains: the method with its views and strategies, the optimiser and its schedule."""
    method = components.method(distributed)
    if plan.recipe.trainer.compile:
        compile_networks(method)
    return TrainingModule(
        method=method,
        stages=components.stages,
        optim=plan.recipe.optim,
        lr_factor=plan.schedule.factor,
        seed=plan.recipe.seed,
        steps_per_epoch=plan.counts.steps_per_epoch,
        failure_path=failure_path,
    )


def compile_networks(method: Method) -> None:
    """Has torch compile the method's parts that have parameters, when each is first called.

    In place: names in a state stay as they are, and a copy, as evaluation makes one, is not compiled.

    On one thread of a CPU a step of the quickstart takes .97 of the time, and the first one 34 s; so it is off
    unless asked for. On a GPU it was not measured.
    """
    for part in method.children():  # type: ignore[attr-defined]
        if next(part.parameters(), None) is not None:
            part.compile()


def _buffers_left_alone() -> DDPStrategy:
    """Queues lie in buffers: each rank fills the same one itself, a broadcast would only repeat that."""
    # Torch 2.13 renamed it, and warns of the old name.
    if "forward_sync_buffers" in signature(DistributedDataParallel).parameters:
        return DDPStrategy(forward_sync_buffers=False)
    return DDPStrategy(broadcast_buffers=False)


def build_trainer(
    plan: Plan,
    devices: int,
    nodes: int,
    callbacks: Sequence[Any],
    loggers: Sequence[Any],
    profiler: SimpleProfiler | None = None,
) -> pl.Trainer:
    """A Trainer for the steps of the plan. What it saves and says is up to the callbacks."""
    recipe = plan.recipe.trainer
    device = best_device().type
    cuda = device == "cuda"
    several = devices * nodes > 1
    return pl.Trainer(
        accelerator=device,
        devices=devices,
        num_nodes=nodes,
        strategy=_buffers_left_alone() if several else "auto",
        precision=_precision(recipe.precision, cuda),
        max_steps=plan.counts.steps,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.gradient_clip,
        log_every_n_steps=recipe.log_steps,
        logger=list(loggers),
        callbacks=list(callbacks),
        profiler=profiler,
        plugins=_plugins(sync_norms=several and cuda),
        use_distributed_sampler=False,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _plugins(sync_norms: bool) -> list[Any]:
    return [AtomicCheckpointIO(), *([SyncBatchNorm()] if sync_norms else [])]


@contextmanager
def failures_explained(trainer: pl.Trainer) -> Iterator[None]:
    """
    Raises:
        SslToolboxError: in plain words, where memory ran out, torch can't compile, or another rank has stopped.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if _is_out_of_memory(error):
            raise SslToolboxError(
                f"out of memory at step {trainer.global_step}: {first_line(error)}; "
                "choose a smaller trainer.batch_size, or a larger trainer.accumulate"
            ) from error
        if _is_of_the_compiler(error):
            raise SslToolboxError(
                f"trainer.compile: torch can't compile the networks: {first_line(error)}; "
                "install a C++ compiler such as g++, or leave trainer.compile out"
            ) from error
        if trainer.world_size > 1 and _is_of_the_network(error):
            raise SslToolboxError(
                f"rank {trainer.global_rank} stops at step {trainer.global_step}, because another rank has: "
                "it was killed, or has said why"
            ) from error
        raise


def _is_out_of_memory(error: Exception) -> bool:
    on_cpu = isinstance(error, MemoryError) or "DefaultCPUAllocator" in str(error)
    return on_cpu or isinstance(error, torch.OutOfMemoryError)


def _is_of_the_compiler(error: Exception) -> bool:
    """By the module of its type, which takes seconds to import."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def _is_of_the_network(error: Exception) -> bool:
    """torch has types for NCCL's errors; gloo's are known by the file that they name."""
    return "gloo" in str(error) or isinstance(error, torch.distributed.DistError)


def device_count(wanted: int | Literal["auto"]) -> int:
    """GPUs, or processes where there are none.

    Raises:
        UserError: when there are fewer GPUs than wanted.
    """
    gpus = torch.cuda.device_count()
    if wanted == "auto":
        return max(1, gpus)
    if gpus and wanted > gpus:
        raise UserError(f"trainer.devices is {wanted}, this machine has {gpus} GPUs")
    return wanted


def _precision(wanted: str, cuda: bool) -> Any:
    """Lightning's name for it.

    `auto` leaves a CPU at fp32, though bf16 takes less time on one that has AVX512-BF16, .64 of it with a
    ResNet-18 at 112 pixels: on others it takes many times as long.
    """
    if wanted == "auto":
        wanted = "bf16" if cuda and torch.cuda.is_bf16_supported() else "fp32"
    return {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[wanted]
