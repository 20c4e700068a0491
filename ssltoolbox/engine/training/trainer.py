"""Lightning's module and Trainer, as a plan asks for them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import Checkpoint
from pytorch_lightning.plugins.environments import ClusterEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.profilers import SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook
from torch.nn.parallel import DistributedDataParallel

from ssltoolbox.api import Method, SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.lightning import precision_of
from ssltoolbox.engine.runs.checkpoint import AtomicCheckpointIO
from ssltoolbox.engine.training.callbacks.maskers import UpdateMaskers
from ssltoolbox.engine.training.launch import World
from ssltoolbox.engine.training.module import TrainingModule
from ssltoolbox.engine.training.optim import maker
from ssltoolbox.engine.training.sync_norm import SyncBatchNorm
from ssltoolbox.models.devices import best_device
from ssltoolbox.plan import Plan
from ssltoolbox.recipe import Trainer


def build_module(components: Components, distributed: bool, failure_path: Path) -> TrainingModule:
    """What the Trainer trains: the method with its views and strategies, the optimiser and its schedule."""
    plan = components.plan
    optim, schedule, optimiser = plan.recipe.optim, plan.schedule, plan.optimiser
    assert optim is not None, "checked by the plan"
    assert schedule is not None, "checked by the plan"
    assert optimiser is not None, "checked by the plan"
    method, losses = components.learners(distributed)
    if plan.recipe.trainer.compile:
        compile_networks(method)
    return TrainingModule(
        method=method,
        losses=losses,
        stages=components.stages,
        optim=optim.model_copy(update={"lr": schedule.lr}),
        make_optimiser=maker(optimiser),
        lr_factor=schedule.factor,
        seed=plan.recipe.seed,
        steps_per_epoch=plan.counts.steps_per_epoch,
        failure_path=failure_path,
        api=plan.method.descriptor.api,
    )


def compile_networks(method: Method) -> None:
    """Lets torch compile each submodule of the method that has parameters, when it is first called.

    This happens in place: the names in a state dict stay the same, and a copy, such as evaluation makes, is not
    compiled. benchmarks/RESULTS.md says why it is off by default.
    """
    for part in method.children():  # type: ignore[attr-defined]
        if next(part.parameters(), None) is not None:
            part.compile()


def build_trainer(
    plan: Plan,
    world: World,
    folder: Path,
    callbacks: Sequence[Any] = (),
    loggers: Sequence[Any] = (),
    profiler: SimpleProfiler | None = None,
) -> pl.Trainer:
    """A Trainer for the steps of the plan.

    Args:
        plan: what is trained.
        world: the processes that train.
        folder: Lightning's default folder for files.
        callbacks: they replace Lightning's own, which are off.
        loggers: get the metrics.
        profiler: times the stages of a step.
    """
    recipe = plan.recipe.trainer
    device = best_device().type
    cuda = device == "cuda"
    return pl.Trainer(
        accelerator=device,
        devices=world.devices,
        num_nodes=world.nodes,
        strategy=_ddp(recipe) if world.size > 1 else "auto",
        precision=precision_of(recipe.precision, device),
        max_steps=plan.counts.steps,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.gradient_clip,
        # A run of fewer steps has metrics too.
        log_every_n_steps=min(recipe.log_steps, plan.counts.steps),
        logger=list(loggers),
        callbacks=[UpdateMaskers(), *callbacks],
        profiler=profiler,
        plugins=_plugins(world, cuda, recipe.sync_batch_norm, recipe.grad_checkpointing),
        default_root_dir=folder,
        use_distributed_sampler=False,
        enable_checkpointing=any(isinstance(callback, Checkpoint) for callback in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


class Bf16Gradients(DDPStrategy):
    """DDP whose processes exchange gradients in bf16. Lightning's own argument for it does nothing on a CPU."""

    def configure_ddp(self) -> None:
        """Registers the hook.

        Raises:
            UserError: when torch is built without CUDA and ROCm, and so without the hook.
        """
        super().configure_ddp()
        if torch.version.cuda is None and torch.version.hip is None:
            raise UserError("trainer.gradient_hook: this torch is built for CPUs only", "set it to null")
        assert isinstance(self.model, DistributedDataParallel)
        self.model.register_comm_hook(None, bf16_compress_hook)


def _ddp(recipe: Trainer) -> DDPStrategy:
    """DDP without broadcasts of buffers: every rank fills its queue, which is a buffer, with the same keys."""
    # Torch 2.13 renamed it, and warns of the old name.
    renamed = "forward_sync_buffers" in signature(DistributedDataParallel).parameters
    buffers: dict[str, Any] = {"forward_sync_buffers" if renamed else "broadcast_buffers": False}
    strategy = Bf16Gradients if recipe.gradient_hook == "bf16" else DDPStrategy
    return strategy(
        static_graph=recipe.static_graph, find_unused_parameters=recipe.unused_parameters, **buffers
    )


def _plugins(
    world: World, cuda: bool, sync_batch_norm: bool = True, grad_checkpointing: bool = False
) -> list[Any]:
    synced = [SyncBatchNorm(cuda, grad_checkpointing)] if world.size > 1 and sync_batch_norm else []
    return [AtomicCheckpointIO(), StartedProcesses(world), *synced]


class StartedProcesses(ClusterEnvironment):
    """Describes to Lightning the processes that a launcher, or `Children`, has started.

    Lightning's own class for SLURM is not used: on SIGUSR1 it writes a checkpoint to the current folder and
    requeues the job.
    """

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    @property
    def creates_processes_externally(self) -> bool:
        """True: Lightning starts none."""
        return True

    @property
    def main_address(self) -> str:
        """The machine of rank 0."""
        launcher = self.world.launcher
        return launcher.address if launcher else os.environ["MASTER_ADDR"]

    @property
    def main_port(self) -> int:
        """The port that the launcher or the rendezvous has set."""
        launcher = self.world.launcher
        return int(os.environ.get("MASTER_PORT", launcher.port if launcher else 0))

    @staticmethod
    def detect() -> bool:
        """False: Lightning never chooses this class by itself."""
        return False

    def world_size(self) -> int:
        """The number of processes."""
        return self.world.size

    def set_world_size(self, size: int) -> None:
        """It is known already."""

    def global_rank(self) -> int:
        """The rank of this process."""
        return self.world.rank

    def set_global_rank(self, rank: int) -> None:
        """It is known already."""

    def local_rank(self) -> int:
        """The rank of this process on its node."""
        return self.world.local_rank

    def node_rank(self) -> int:
        """The number of the node."""
        return self.world.rank // self.world.devices


@contextmanager
def failures_explained(trainer: pl.Trainer) -> Iterator[None]:
    """
    Raises:
        SslToolboxError: in plain words, where memory ran out, torch can't compile, a parameter of a rank got no
            gradient, or another rank has stopped.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if _is_out_of_memory(error):
            raise SslToolboxError(
                f"out of memory at step {trainer.global_step}: {first_line(error)}; "
                "choose a smaller trainer.batch_size, set trainer.chunk_size, or choose a larger "
                "trainer.accumulate"
            ) from error
        if _is_of_the_compiler(error):
            raise SslToolboxError(
                f"trainer.compile: torch can't compile the networks: {first_line(error)}; "
                "install a C++ compiler such as g++, or leave trainer.compile out"
            ) from error
        if "not used in producing the loss" in str(error):  # Lightning's words
            raise SslToolboxError(
                f"a parameter got no gradient in step {trainer.global_step - 1}, and several devices wait for it; "
                "set trainer.unused_parameters to true"
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
    """Decided by the name of the module of its type: importing that module takes seconds."""
    return type(error).__module__.startswith(("torch._dynamo", "torch._inductor"))


def _is_of_the_network(error: Exception) -> bool:
    """True for an error of NCCL, by its type, or of gloo, by the name in its message."""
    return "gloo" in str(error) or isinstance(error, torch.distributed.DistError)
