"""A run from its plan to its folder."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytorch_lightning as pl
import torch
from pytorch_lightning.profilers import SimpleProfiler
from pytorch_lightning.strategies import DDPStrategy
from rich.console import Console

from ssltoolbox.api import UserError
from ssltoolbox.engine.build import Parts
from ssltoolbox.engine.checkpoint import AtomicCheckpointIO, SaveCheckpoints, StopOnSignal, read_checkpoint
from ssltoolbox.engine.cores import shared_with, worker_count
from ssltoolbox.engine.diagnostics import WatchFeatures
from ssltoolbox.engine.evaluate import evaluate_run
from ssltoolbox.engine.loader import RunData
from ssltoolbox.engine.loggers import build_loggers
from ssltoolbox.engine.metrics_csv import MetricsCsv
from ssltoolbox.engine.module import TrainingModule
from ssltoolbox.engine.profile import stage_table
from ssltoolbox.engine.progress import ShowProgress
from ssltoolbox.engine.quiet import quiet_lightning
from ssltoolbox.engine.ranks import is_first_process
from ssltoolbox.engine.reporting import write_report
from ssltoolbox.engine.run_folder import RunFolder
from ssltoolbox.engine.run_log import logged_to
from ssltoolbox.engine.watch import DataWatch
from ssltoolbox.models import save_weights
from ssltoolbox.plan import Plan
from ssltoolbox.recipe import dump

OUT_OF_FIRST_PROCESS = "SSLTOOLBOX_OUT"
"""Tells the processes that Lightning starts for the other ranks where the run lies."""

log = logging.getLogger(__name__)


class Interrupted(Exception):
    """Ctrl-C or SIGTERM came, and the run was saved. The command line exits with 130."""


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and the results of its tasks as in `evaluation.json`."""

    folder: RunFolder
    evaluation: dict[str, Any]


def train(
    plan: Plan,
    out: Path | None = None,
    resume: bool = False,
    console: Console | None = None,
    profile: bool = False,
) -> Run:
    """Trains, saves the backbone and evaluates, as the plan says.

    Args:
        plan: a resolved recipe whose data is there.
        out: the run folder; `runs/<name>/<date-time>` if not given.
        resume: go on with the run in `out`; starts one if there is none, does nothing if it is finished.
        console: where progress is shown.
        profile: say at the end where the time went.

    Raises:
        UserError: when the folder is in use or not empty, or holds a run of another recipe.
        SslToolboxError: when the run fails.
        Interrupted: when it was stopped by a signal, and saved.
    """
    console = console or Console()
    Parts(plan).import_all()
    folder = _folder(plan, out)
    if not is_first_process():
        _fit(plan, Parts(plan), folder, console)
        raise SystemExit(0)
    if not resume:
        folder.refuse_used()
    with folder.locked(), logged_to(folder.log):
        if not resume:
            folder.refuse_used()
        recipe = dump(plan.recipe)
        if folder.recipe.exists():
            folder.refuse_other_recipe(recipe)
        else:
            folder.begin(recipe, plan.facts)
        log.info("%s: %d steps, seed %d", plan.recipe.name, plan.counts.steps, plan.recipe.seed)
        run = _run(plan, folder, console, profile)
        log.info("done")
        return run


def _folder(plan: Plan, out: Path | None) -> RunFolder:
    if out is None and not is_first_process() and OUT_OF_FIRST_PROCESS in os.environ:
        return RunFolder(Path(os.environ[OUT_OF_FIRST_PROCESS]))
    folder = RunFolder(out) if out else RunFolder.of_now(plan.recipe.name)
    os.environ[OUT_OF_FIRST_PROCESS] = str(folder.path)
    return folder


def _run(plan: Plan, folder: RunFolder, console: Console, profile: bool) -> Run:
    """Does what is left to be done: training, saving the backbone, evaluating, reporting."""
    parts = Parts(plan)
    if not folder.backbone.exists():
        if plan.trains:
            backbone = _fit(plan, parts, folder, console, profile)
        else:
            backbone = parts.backbone(plan.recipe.backbone.weights)
        save_weights(backbone, folder.backbone)
    if plan.recipe.evaluate and not folder.evaluation.exists():
        console.print("evaluating, beside a random initialisation …", highlight=False)
    run = Run(folder, evaluate_run(plan, folder))
    if not folder.report.exists():
        write_report(plan, folder, console)
    return run


def _fit(
    plan: Plan, parts: Parts, folder: RunFolder, console: Console, profile: bool = False
) -> torch.nn.Module:
    """Trains from where the run stands, and gives the backbone.

    Raises:
        Interrupted: when a signal came.
    """
    counts, recipe = plan.counts, plan.recipe.trainer
    saver = SaveCheckpoints(folder.checkpoint, recipe.checkpoint_steps, counts.steps, recipe.accumulate)
    stopper = StopOnSignal(saver)
    watch = DataWatch()
    progress = ShowProgress(
        console, counts.images, counts.steps, counts.steps_per_epoch, recipe.accumulate, recipe.log_steps
    )
    metrics = MetricsCsv(folder.metrics)
    profiler = SimpleProfiler() if profile else None
    checkpoint = folder.checkpoint if folder.checkpoint.exists() else None
    if checkpoint:
        done = read_checkpoint(checkpoint)["global_step"]
        metrics.go_on_from(done)
        log.info("going on from step %d of %d", done, counts.steps)
    devices = _device_count(recipe.devices)
    with quiet_lightning(), shared_with(worker_count(recipe.workers, devices), devices):
        trainer = _trainer(
            plan,
            devices,
            [watch, WatchFeatures(console), progress, saver, stopper],
            [metrics, *build_loggers(plan, folder)],
            profiler,
        )
        module = TrainingModule(
            method=parts.method(distributed=trainer.world_size > 1),
            view=parts.view,
            generators=parts.generators,
            maskers=parts.maskers,
            optim=plan.recipe.optim,
            lr_factor=plan.schedule.factor,
            seed=plan.recipe.seed,
            accumulate=recipe.accumulate,
            steps_per_epoch=counts.steps_per_epoch,
            failure_path=folder.failure,
        )
        trainer.fit(module, datamodule=RunData(plan, parts.batches), ckpt_path=checkpoint, weights_only=True)
    if stopper.received is not None:
        raise Interrupted(
            f"stopped at step {trainer.global_step} of {counts.steps}, and saved; "
            f"go on with: --resume --out {folder.path}"
        )
    if profiler:
        console.print(stage_table(profiler))
    for line in watch.summary():
        log.info(line)
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return module.method.backbone


def _device_count(wanted: int | Literal["auto"]) -> int:
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


def _trainer(
    plan: Plan,
    devices: int,
    callbacks: Sequence[Any],
    loggers: Sequence[Any],
    profiler: SimpleProfiler | None,
) -> pl.Trainer:
    recipe = plan.recipe.trainer
    cuda = torch.cuda.is_available()
    several = devices * recipe.nodes > 1
    return pl.Trainer(
        accelerator="auto",
        devices=devices,
        num_nodes=recipe.nodes,
        # Queues lie in buffers: each rank fills the same one itself, a broadcast would only repeat that.
        strategy=DDPStrategy(broadcast_buffers=False) if several else "auto",
        sync_batchnorm=several and cuda,
        precision=_precision(recipe.precision, cuda),
        max_steps=plan.counts.steps,
        accumulate_grad_batches=recipe.accumulate,
        gradient_clip_val=recipe.gradient_clip,
        log_every_n_steps=recipe.log_steps,
        logger=list(loggers),
        callbacks=list(callbacks),
        profiler=profiler,
        plugins=[AtomicCheckpointIO()],
        use_distributed_sampler=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
    )


def _precision(wanted: str, cuda: bool) -> Any:
    """Lightning's name for it. bf16 pays on a GPU that has it; on a CPU it is many times slower than fp32."""
    if wanted == "auto":
        wanted = "bf16" if cuda and torch.cuda.is_bf16_supported() else "fp32"
    return {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}[wanted]
