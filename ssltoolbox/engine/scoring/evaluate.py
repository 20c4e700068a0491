"""Evaluates the recipe's tasks on a run's backbone and on an untrained network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from rich.console import Console

from ssltoolbox.api import Kind
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.features import FeatureExtractor, extractor_of, features_of_networks
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.scoring.fitting import ResumableFit
from ssltoolbox.engine.scoring.heads import keep_heads
from ssltoolbox.engine.scoring.mistakes import mistakes_of
from ssltoolbox.engine.scoring.ranks import Ranks
from ssltoolbox.engine.scoring.reported import reported
from ssltoolbox.engine.scoring.shared_work import SharedWork
from ssltoolbox.engine.scoring.tables import FeatureTables
from ssltoolbox.engine.scoring.tasks import NetworkUnderTest, evaluate_tasks
from ssltoolbox.support.files import write_json


def evaluate_run(
    components: Components,
    folder: RunFolder,
    again: bool = False,
    console: Console | None = None,
    together: bool = False,
    processes: int = 1,
) -> dict[str, Any]:
    """The results of the recipe's tasks, from `evaluation.json` if it exists.

    Otherwise they are measured, and `evaluation.json`, `mistakes.json` and the tasks' heads are written.

    Args:
        components: the run's, or those of its recipe with other tasks.
        folder: the run's.
        again: evaluate even if `evaluation.json` exists.
        console: where progress is shown.
        together: True if the other processes of the run call `help_to_evaluate`.
        processes: the number of processes that share this process's cores.

    Returns:
        As `reported` gives them; empty without tasks.
    """
    if not components.plan.recipe.evaluate:
        return {}
    if folder.evaluation.exists() and not again:
        return results_of(folder)
    trained, untrained = components.encoder(folder.backbone), components.encoder()
    if console:
        console.print("evaluating the network, and an untrained one for comparison …", highlight=False)
    ranks = Ranks() if together else None
    if ranks:
        ranks.make_equal(trained, untrained)
    with (
        extractor_of(components, trained, console, processes) as ours,
        extractor_of(components, untrained, console, processes) as other,
        components.blame_of_tasks.assigned(),
        ranks.released() if ranks else nullcontext(),
    ):
        fit = ResumableFit(components.plan, ours.device, folder.task_checkpoints)
        work = _work(components, ranks, [ours, other], fit) if ranks else None
        tables = FeatureTables([ours, other], work.features if work else features_of_networks)
        seed = components.plan.recipe.seed
        given = work.trained(console) if work else [{}, {}]
        found, compared = (
            evaluate_tasks(NetworkUnderTest(one, seed, console, tables, fit), components.tasks, its)
            for one, its in zip((ours, other), given, strict=True)
        )
    results = reported(
        found.results,
        compared.results,
        {chosen.key: chosen.descriptor for chosen in components.plan.of(Kind.EVALUATORS)},
    )
    # Nothing is written before everything is evaluated, so that results, heads and mistakes belong together.
    keep_heads(components, folder, found)
    write_json(folder.mistakes, mistakes_of(found, components.tasks))
    write_json(folder.evaluation, results)
    fit.clear()
    return results


def results_of(folder: RunFolder) -> dict[str, Any]:
    """The results of an evaluated run; empty for a run without them."""
    if not folder.evaluation.exists():
        return {}
    results: dict[str, Any] = json.loads(folder.evaluation.read_text(encoding="utf-8"))
    return results


def help_to_evaluate(components: Components, folder: RunFolder, processes: int = 1) -> None:
    """Does its share of the first process's work while that calls `evaluate_run`: features, and tasks that train.

    Args:
        components: the run's.
        folder: the run's, for checkpoints of tasks.
        processes: the number of processes that share this process's cores.
    """
    if not components.plan.recipe.evaluate:
        return
    ranks = Ranks()
    trained, untrained = components.encoder(), components.encoder()
    ranks.make_equal(trained, untrained)
    with (
        extractor_of(components, trained, processes=processes) as ours,
        extractor_of(components, untrained, processes=processes) as other,
    ):
        fit = ResumableFit(components.plan, ours.device, folder.task_checkpoints)
        _work(components, ranks, [ours, other], fit).serve()


def _work(
    components: Components, ranks: Ranks, extractors: Sequence[FeatureExtractor], fit: ResumableFit
) -> SharedWork:
    return SharedWork(ranks, components.tasks, extractors, components.plan.recipe.seed, fit)
