"""`ssltoolbox evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ssltoolbox.cli.common import (
    ALLOW_PARTIAL,
    ARCH,
    FROM_RECIPE,
    SET,
    SOURCE,
    LocalPath,
    print_unused_gpu,
    print_warnings,
)
from ssltoolbox.cli.output import libraries_loaded, new_console, shown

if TYPE_CHECKING:
    from ssltoolbox.engine.inspect.source import NetworkSource
    from ssltoolbox.plan import Plan
    from ssltoolbox.recipe import Override

MOVED = "if the data has moved, give its new path by --set data.root=PATH or --set data.index=PATH"


@click.command()
@SOURCE
@click.option(
    "--tasks",
    metavar="NAME,…",
    multiple=True,
    help="The tasks, such as expression,identity; may be repeated. Those of the recipe keep their options. "
    "[all of the recipe]",
)
@FROM_RECIPE
@ARCH
@ALLOW_PARTIAL
@click.option(
    "--out",
    type=LocalPath(),
    help="The run folder of the results [RUN; runs/<name>/<date-time> for weights].",
)
@SET
def evaluate(
    source: str,
    tasks: tuple[str, ...],
    recipe: Path | None,
    arch: str,
    allow_partial: bool,
    out: Path | None,
    overrides: tuple[str, ...],
) -> None:
    """Evaluate a network on downstream tasks.

    The results are compared with those of an untrained network, and replace those of an earlier evaluation. The
    head of each task is kept for `ssltoolbox predict`. Several processes of torchrun or srun compute the features
    together, and fine-tune for several tasks at the same time.

    \b
    RUN_OR_WEIGHTS is one of these:
      the folder of a finished run
      a file of weights, from ssltoolbox or another project,
        such as torchvision, lightly, DINO, MoCo or MAE
      timm:NAME, a model of timm with its pretrained weights
      imagenet, the network of the recipe with ImageNet weights
      random, the network of the recipe, untrained

    \b
    Example:
        ssltoolbox evaluate runs/mine --tasks expression,identity
        ssltoolbox evaluate theirs.ckpt --recipe mine.yaml --arch resnet50 --out runs/theirs
    """
    from ssltoolbox.recipe import selection

    named = [selection("--tasks", "evaluate", f"[{', '.join(tasks)}]")] if tasks else []
    changes: tuple[str | Override, ...] = (*overrides, *named)
    if Path(source).is_dir() and not (recipe or arch or out):
        _evaluate_run(Path(source), changes)
    else:
        with libraries_loaded():
            from ssltoolbox.engine.inspect.source import NetworkSource

        _evaluate_source(NetworkSource(source, recipe, arch, allow_partial), out, changes)


def _evaluate_run(path: Path, overrides: Sequence[str | Override]) -> None:
    """Results go into the run's own folder."""

    from ssltoolbox.api import DataNotFound, UserError
    from ssltoolbox.engine.runs.folder import open_run

    # A mistake is reported before the libraries are loaded, which takes seconds.
    folder, plan = open_run(path, overrides)
    _refuse_no_task(plan)
    with libraries_loaded():
        from ssltoolbox.cli.results import print_results
        from ssltoolbox.engine.core.components import Components
        from ssltoolbox.engine.scoring.evaluate import results_of
        from ssltoolbox.engine.training.evaluation import evaluate_again
        from ssltoolbox.engine.training.launch import is_first_process

    try:
        earlier = results_of(folder)
    except ValueError:
        earlier = {}  # of a damaged file, which is replaced
    console = new_console()
    if is_first_process():
        print_unused_gpu(console)
    try:
        results = evaluate_again(Components(plan), folder, console)
    except DataNotFound as error:
        raise UserError(error.message, f"{error.hint}; {MOVED}" if error.hint else MOVED) from error
    with shown("the results", folder.evaluation):
        print_results(results, plan, console)
    console.print(f"written to {folder.evaluation} and {folder.report}", soft_wrap=True)
    if replaced := [result for result in earlier if result not in results and result != "random"]:
        console.print(f"no longer there: the earlier results of {', '.join(replaced)}", soft_wrap=True)


def _evaluate_source(network: NetworkSource, out: Path | None, overrides: Sequence[str | Override]) -> None:
    """A run of its own, without training, holds the weights and the results."""

    from ssltoolbox.cli.results import print_results

    with libraries_loaded():
        from ssltoolbox.engine.inspect.source import check_weights, open_source
        from ssltoolbox.engine.training.launch import is_first_process
        from ssltoolbox.engine.training.run import train

    plan = open_source(network, overrides)
    _refuse_no_task(plan)
    first = is_first_process()
    if first:
        print_warnings(plan)
    console = new_console()
    matched = check_weights(plan)
    if matched and first:
        console.print(f"{network.source}: {matched}", soft_wrap=True)
    run = train(plan, out, console=console)
    with shown("the results", run.folder.evaluation):
        print_results(run.evaluation, plan, console)
    console.print(f"written to {run.folder.evaluation} and {run.folder.report}", soft_wrap=True)


def _refuse_no_task(plan: Plan) -> None:
    from ssltoolbox.api import UserError

    if not plan.recipe.evaluate:
        raise UserError("there is nothing to evaluate: the recipe names no task", "add --tasks NAME,…")
