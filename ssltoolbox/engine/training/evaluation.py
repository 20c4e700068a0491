"""Evaluates a run with all its processes: after training, or again with those that a launcher has started."""

from __future__ import annotations

from typing import Any

import torch
from rich.console import Console

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.inspect.reporting import write_report
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.log import crashes_in, logged_to
from ssltoolbox.engine.scoring.evaluate import evaluate_run, help_to_evaluate
from ssltoolbox.engine.training.launch import World, started_world
from ssltoolbox.engine.training.rendezvous import Rendezvous, Start


def evaluate_again(components: Components, folder: RunFolder, console: Console) -> dict[str, Any]:
    """The results of the recipe's tasks. The first process writes them and the report into the run folder.

    Every process calls it. The others compute features, each for its share of the images, and evaluate tasks that
    train.

    Args:
        components: the run's, or those of its recipe with other tasks.
        folder: the run's.
        console: shows progress.

    Raises:
        UserError: when the processes don't fit the machine, or the folder is in use.
        SslToolboxError: when another process has stopped.
        SystemExit: in all processes but the first, when they have done their part.
    """
    world = started_world(torch.cuda.device_count()) or World()
    with Rendezvous(world) as rendezvous:
        if world.rank > 0:
            start = rendezvous.join()
            with logged_to(folder.log_of(world.rank)), rendezvous.connected():
                help_to_evaluate(components, folder, start.sharing)
            raise SystemExit(0)
        rendezvous.await_others()
        with folder.locked(), logged_to(folder.log), crashes_in(folder.log):
            start = rendezvous.begin(folder.path, trains=False, evaluates=True)
            results = evaluate_together(components, folder, rendezvous, start, console)
            write_report(components, folder, console)
            return results


def evaluate_together(
    components: Components, folder: RunFolder, rendezvous: Rendezvous, start: Start, console: Console
) -> dict[str, Any]:
    """The first process's part: the results of the tasks, or those that the folder has if nothing is left.

    Args:
        components: the run's.
        folder: the run's; the results are written into it.
        rendezvous: connects the processes.
        start: what the processes know of each other.
        console: shows progress.
    """
    with rendezvous.connected():
        return evaluate_run(
            components,
            folder,
            again=start.evaluates,
            console=console,
            together=start.together,
            processes=start.sharing,
        )
