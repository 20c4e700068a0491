"""A run from its plan to its folder."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning.profilers import SimpleProfiler
from rich.console import Console

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import shared_with, worker_count
from ssltoolbox.engine.core.devices import unused_gpu
from ssltoolbox.engine.inspect.reporting import write_report
from ssltoolbox.engine.runs.checkpoint import read_checkpoint
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.log import logged_to
from ssltoolbox.engine.scoring.evaluate import evaluate_run
from ssltoolbox.engine.training.callbacks.checkpoints import SaveCheckpoints, StopOnSignal
from ssltoolbox.engine.training.callbacks.data_watch import DataWatch
from ssltoolbox.engine.training.callbacks.diagnostics import WatchFeatures
from ssltoolbox.engine.training.callbacks.online_probe import OnlineProbe, auto_steps
from ssltoolbox.engine.training.callbacks.progress import ShowProgress
from ssltoolbox.engine.training.loader import RunData
from ssltoolbox.engine.training.loggers import build_loggers
from ssltoolbox.engine.training.metrics_csv import MetricsCsv
from ssltoolbox.engine.training.profile import stage_table
from ssltoolbox.engine.training.quiet import quiet_lightning
from ssltoolbox.engine.training.ranks import is_first_process
from ssltoolbox.engine.training.trainer import build_module, build_trainer, device_count, failures_explained
from ssltoolbox.models import save_weights
from ssltoolbox.plan import Plan, notices_of
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
    components = Components(plan)
    components.import_all()
    folder = _folder(plan, out)
    if not is_first_process():
        _fit(plan, components, folder, console)
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
            folder.begin(recipe, plan.facts, trains=plan.trains, notices=notices_of(plan))
        if unused_gpu():
            console.print(unused_gpu(), highlight=False, soft_wrap=True)
        log.info("%s: %d steps, seed %d", plan.recipe.name, plan.counts.steps, plan.recipe.seed)
        run = _run(components, folder, console, profile)
        log.info("done")
        return run


def _folder(plan: Plan, out: Path | None) -> RunFolder:
    if out is None and not is_first_process() and OUT_OF_FIRST_PROCESS in os.environ:
        return RunFolder(Path(os.environ[OUT_OF_FIRST_PROCESS]))
    folder = RunFolder(out) if out else RunFolder.of_now(plan.recipe.name)
    os.environ[OUT_OF_FIRST_PROCESS] = str(folder.path)
    return folder


def _run(components: Components, folder: RunFolder, console: Console, profile: bool) -> Run:
    """Does what is left to be done: training, saving the backbone, evaluating, reporting."""
    plan = components.plan
    if not folder.backbone.exists():
        if plan.trains:
            backbone = _fit(plan, components, folder, console, profile)
        else:
            backbone = components.initial_backbone()
        save_weights(backbone, folder.backbone)
    run = Run(folder, evaluate_run(components, folder, console=console))
    if not folder.report.exists():
        write_report(components, folder, console)
    return run


def _fit(
    plan: Plan, components: Components, folder: RunFolder, console: Console, profile: bool = False
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
    devices = device_count(recipe.devices)
    with quiet_lightning():
        trainer = build_trainer(
            plan,
            devices,
            recipe.nodes,
            [watch, WatchFeatures(console), *_probes(plan, components, devices), progress, saver, stopper],
            [metrics, *build_loggers(plan, folder)],
            profiler,
        )
        module = build_module(plan, components, trainer.world_size > 1, folder.failure)
        workers = worker_count(plan, module.method.backbone, components, devices)
        data = RunData(plan, components.batches, components.stages, workers)
        with shared_with(workers, devices), failures_explained(trainer):
            trainer.fit(module, datamodule=data, ckpt_path=checkpoint, weights_only=True)
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


def _probes(plan: Plan, components: Components, devices: int) -> list[OnlineProbe]:
    """The online probe, where the recipe wants one and the data has labels."""
    recipe = plan.recipe.trainer
    if recipe.probe_steps is None or plan.facts is None or not plan.facts.labels:
        return []
    auto = auto_steps(max(1, plan.counts.images // (devices * recipe.nodes)))
    every = auto if recipe.probe_steps == "auto" else recipe.probe_steps
    return [OnlineProbe(components.splits["train"], components.splits["val"], components.view, every)]
