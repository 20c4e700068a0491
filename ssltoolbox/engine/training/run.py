"""A training run, from its plan to its folder. It reads from top to bottom."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.profilers import SimpleProfiler
from rich.console import Console
from torch import nn

from ssltoolbox.api import Callback, Logger, SslToolboxError
from ssltoolbox.engine.core.backbone import encoder_of
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import shared_with
from ssltoolbox.engine.core.lightning import fit
from ssltoolbox.engine.core.shares import is_shared
from ssltoolbox.engine.inspect.reporting import write_report
from ssltoolbox.engine.runs.checkpoint import read_checkpoint
from ssltoolbox.engine.runs.clock import timed
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.log import crashes_in, logged_to
from ssltoolbox.engine.runs.saving import SaveCheckpoints, StopOnSignal
from ssltoolbox.engine.scoring.evaluate import help_to_evaluate, results_of
from ssltoolbox.engine.training.callbacks.data_watch import DataWatch
from ssltoolbox.engine.training.callbacks.diagnostics import WatchFeatures
from ssltoolbox.engine.training.callbacks.live_report import LiveReport
from ssltoolbox.engine.training.callbacks.online_probe import OnlineProbe, auto_steps
from ssltoolbox.engine.training.callbacks.progress import ShowProgress
from ssltoolbox.engine.training.earlier import refuse_second, remember, skipped
from ssltoolbox.engine.training.evaluation import evaluate_together
from ssltoolbox.engine.training.launch import World, started_world, world_of
from ssltoolbox.engine.training.loader import RunData, loading_of
from ssltoolbox.engine.training.loggers import Metrics, metrics_of
from ssltoolbox.engine.training.measure import stage_table
from ssltoolbox.engine.training.optim import try_optimiser
from ssltoolbox.engine.training.rendezvous import Rendezvous, Start
from ssltoolbox.engine.training.trainer import (
    build_module,
    build_trainer,
    failures_explained,
)
from ssltoolbox.models import save_weights, unseen_border
from ssltoolbox.models.devices import unused_gpu
from ssltoolbox.models.lightning import quiet_lightning
from ssltoolbox.plan import Plan, notices_of
from ssltoolbox.recipe import dump
from ssltoolbox.report.notebook import run_html
from ssltoolbox.support.interruption import Interrupted, interruption_explained
from ssltoolbox.support.terminal import print_line

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A finished run: its folder, and the results of its tasks as in `evaluation.json`."""

    folder: RunFolder
    evaluation: dict[str, Any]

    def _repr_html_(self) -> str:
        """The results, for notebooks."""
        return run_html(self.folder.path)


def train(
    plan: Plan,
    out: Path | None = None,
    resume: bool = False,
    console: Console | None = None,
    profile: bool = False,
    callbacks: Sequence[Callback] = (),
    loggers: Sequence[Logger] = (),
) -> Run:
    """Trains, saves the backbone, evaluates and writes the report.

    Every process of the run calls it. The first process writes the run folder; the others only train, and compute
    features for the tasks.

    Args:
        plan: a resolved recipe whose data is there.
        out: the run folder; `runs/<name>/<date-time>` if not given.
        resume: continue the run in `out`; starts a run if there is none, does nothing if it is finished.
        console: shows progress.
        profile: show a table of the time of each stage at the end.
        callbacks, loggers: besides those of the recipe; see `ssltoolbox.api.Callback` and `Logger`.

    Raises:
        UserError: when the processes that were started are not those of the recipe, or when the folder is in use,
            is not empty, or holds a run of another recipe or of other data.
        SslToolboxError: when the run fails.
        Interrupted: when a signal stopped it.
        SystemExit: in all processes but the first, when they have done their part.
    """
    if earlier := skipped():
        return Run(RunFolder(earlier), results_of(RunFolder(earlier)))
    console = console or Console(highlight=False, markup=False)
    try:
        run = _train_together(plan, out, resume, Extras(console, profile, callbacks, loggers))
    except BaseException:
        remember(None)
        raise
    remember(run.folder.path)
    return run


@dataclass(frozen=True)
class Extras:
    """What a caller of `train` wants besides the run of the recipe; the attributes are its arguments."""

    console: Console
    profile: bool
    callbacks: Sequence[Callback]
    loggers: Sequence[Logger]


def _train_together(plan: Plan, out: Path | None, resume: bool, extras: Extras) -> Run:
    """See `train`."""
    world = _world(plan)
    refuse_second(world)
    components = Components(plan)
    with Rendezvous(world) as rendezvous, ExitStack() as within:
        components.import_all()
        within.enter_context(components.blame.assigned())
        if world.rank == 0 and not (out and RunFolder(out).recipe.exists()):
            _try(components)
        if world.rank > 0:
            raise SystemExit(_exit_code_of_helper(components, world, rendezvous, extras))
        folder = RunFolder(out) if out else RunFolder.of_now(plan.recipe.name)
        if not resume:
            folder.refuse_used()
        rendezvous.await_others()
        with folder.locked(), logged_to(folder.log):
            if not resume:
                folder.refuse_used()
            with interruption_explained(f"stopped; resume with: {folder.resume_command}"):
                evaluation = _complete(components, folder, world, rendezvous, extras)
            log.info("done")
            return Run(folder, evaluation)


def _complete(
    components: Components, folder: RunFolder, world: World, rendezvous: Rendezvous, extras: Extras
) -> dict[str, Any]:
    """Does what is left of a run: trains, evaluates and writes the report. Gives the results of the tasks."""
    plan, console = components.plan, extras.console
    _begin_or_resume(plan, folder, world, console)
    with timed(folder) as clock:
        _tell(console, unused_gpu())
        lacks_weights = not folder.backbone.exists()
        trains = plan.trains and lacks_weights
        evaluates = bool(plan.recipe.evaluate) and (trains or not folder.evaluation.exists())
        start = rendezvous.begin(folder.path, trains, evaluates)
        if lacks_weights:
            backbone = (
                _train(components, folder, world, start, extras) if trains else _initial(components, console)
            )
            save_weights(backbone, folder.backbone)
        evaluation = evaluate_together(components, folder, rendezvous, start, console)
        # There may be a report of the time when it still trained.
        if not (folder.report.exists() and "ended" in folder.recorded()):
            clock.end()
            write_report(components, folder, console)
    return evaluation


def _initial(components: Components, console: Console) -> nn.Module:
    """The backbone of a recipe that trains nothing."""
    backbone = components.initial_backbone()
    _tell(console, unseen_border(backbone, components.plan.image_size))
    return backbone


def _world(plan: Plan) -> World:
    """The processes of the run. Where nothing trains, a launcher may start as many as it likes."""
    gpus = torch.cuda.device_count()
    return (None if plan.trains else started_world(gpus)) or world_of(plan.recipe.trainer, gpus)


def _exit_code_of_helper(components: Components, world: World, rendezvous: Rendezvous, extras: Extras) -> int:
    """Trains and computes features in a process other than the first, which says for all when it is stopped."""
    try:
        start = rendezvous.join()
        folder = RunFolder(start.folder)
        if not (start.trains or start.together):
            return 0
        with logged_to(folder.log_of(world.rank)):
            if start.trains:
                _train(components, folder, world, start, replace(extras, profile=False))
            if start.together:
                with rendezvous.connected():
                    help_to_evaluate(components, folder, start.sharing)
    except (Interrupted, KeyboardInterrupt):
        return 130
    return 0


def _try(components: Components) -> None:
    """Makes what may refuse its options only when it is made, before anything is written.

    Raises:
        UserError: where the backbone or the optimiser can't be made.
    """
    components.try_backbone()
    plan = components.plan
    if plan.trains and plan.optimiser and plan.recipe.optim:
        try_optimiser(plan.optimiser, plan.recipe.optim)


def _begin_or_resume(plan: Plan, folder: RunFolder, world: World, console: Console) -> None:
    """Writes the first files of a run, or compares a resumed run with them."""
    recipe = dump(plan.recipe)
    if not folder.recipe.exists():
        folder.begin(
            recipe,
            plan.facts,
            world.facts(),
            trains=plan.trains,
            steps=plan.counts.steps,
            own_keys=plan.own_keys,
            notices=notices_of(plan),
        )
    else:
        options = plan.data.options
        movable = {
            f"data.{key}" for key in type(options).model_fields if isinstance(getattr(options, key), Path)
        }
        for change in folder.resume(recipe, plan.facts, world.facts(), movable):
            log.warning(change)
            print_line(console, f"warning: {change}")
    log.info("%s: %d steps, seed %d", plan.recipe.name, plan.counts.steps, plan.recipe.seed)


def _train(
    components: Components, folder: RunFolder, world: World, start: Start, extras: Extras
) -> nn.Module:
    """Trains the remaining steps on this process's share of each batch, and returns the backbone.

    Raises:
        SslToolboxError: when training fails.
        Interrupted: when a signal stopped it.
    """
    plan, console = components.plan, extras.console
    counts, recipe = plan.counts, plan.recipe.trainer
    checkpoint = folder.checkpoint if folder.checkpoint.exists() else None
    done = int(read_checkpoint(checkpoint)["global_step"]) if checkpoint else 0
    log.info("rank %d of %d trains from step %d to %d", world.rank, world.size, done, counts.steps)
    watch = DataWatch()
    saver = SaveCheckpoints(folder.checkpoint, recipe.checkpoint_steps, counts.steps, recipe.accumulate)
    stopper = StopOnSignal(saver)
    probe = _probe(components, world)
    progress = ShowProgress(
        console,
        counts.images,
        counts.steps,
        counts.steps_per_epoch,
        recipe.accumulate,
        recipe.log_steps,
        lambda: probe.latest if probe else {},
    )
    report = LiveReport(folder, console)
    ours = [watch, WatchFeatures(console), *([probe] if probe else ()), report, progress]
    theirs = [*components.callbacks(folder.path), *extras.callbacks]
    for each in theirs:
        if not isinstance(each, pl.Callback):
            raise SslToolboxError(f"{type(each).__name__} does not derive from pytorch_lightning.Callback")
    profiler = SimpleProfiler() if extras.profile else None
    metrics_of_run = _metrics(plan, folder, world, done, extras.loggers)
    with quiet_lightning(), metrics_of_run as metrics, stopper.listening():
        trainer = build_trainer(plan, world, folder.path, [*ours, *theirs, saver, stopper], metrics, profiler)
        module = build_module(components, world.size > 1, folder.failure)
        if world.rank == 0:
            _tell(console, unseen_border(module.method.backbone, plan.image_size))
            _tell(console, _repeated_work(components, world))
        loading = loading_of(components, module.method.backbone, world, start.sharing)
        _tell(console, loading.note)
        data = RunData(components, loading)
        with (
            shared_with(loading.workers, start.sharing),
            failures_explained(trainer),
            crashes_in(folder.log_of(world.rank)),
            stopper.explained(trainer, folder.resume_command),
        ):
            start.children.start()
            fit(trainer, module, data, checkpoint)
    if profiler:
        console.print(stage_table(profiler))
    if world.rank == 0:
        for line in watch.summary():
            log.info(line)
            print_line(console, line)
    return module.method.backbone


def _tell(console: Console, line: str) -> None:
    """Prints and logs a line for the user, if it is not empty."""
    if line:
        log.warning(line)
        print_line(console, line)


def _repeated_work(components: Components, world: World) -> str:
    """One line for the user if processes can't share the work of the view; else empty."""
    if world.size == 1 or is_shared(components.view):
        return ""
    return (
        f"Each of the {world.size} processes augments the whole batch, because the view "
        f"{components.plan.views.key!r} does not draw its random numbers apart (see SharedView)."
    )


@contextmanager
def _metrics(
    plan: Plan, folder: RunFolder, world: World, done: int, more: Sequence[Logger]
) -> Iterator[list[Metrics]]:
    """The loggers of this process; only the first process has any."""
    if world.rank > 0:
        yield []
        return
    with metrics_of(plan, folder, done, more) as metrics:
        yield [metrics]


def _probe(components: Components, world: World) -> OnlineProbe | None:
    """The online probe, if the recipe asks for it and the data has labels."""
    plan = components.plan
    steps = plan.recipe.trainer.probe_steps
    if steps is None or plan.facts is None or not plan.facts.labels:
        return None
    every = auto_steps(max(1, plan.counts.images // world.size)) if steps == "auto" else steps
    train, val = components.splits["train"], components.splits["val"]
    return OnlineProbe(train, val, components.view, partial(encoder_of, plan=plan), every)
