"""Evaluates the recipe's tasks on a run's backbone and on an untrained network."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console

from ssltoolbox.api import Kind
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.features import FeatureExtractor, extractor_of
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.scoring.heads import keep_heads
from ssltoolbox.engine.scoring.mistakes import mistakes_of
from ssltoolbox.engine.scoring.reported import reported
from ssltoolbox.engine.scoring.tasks import Evaluated, evaluate_tasks
from ssltoolbox.support.files import write_json


def evaluate_run(
    components: Components, folder: RunFolder, again: bool = False, console: Console | None = None
) -> dict[str, Any]:
    """The results of the recipe's tasks, from `evaluation.json` if it exists.

    Otherwise they are measured, and `evaluation.json`, `mistakes.json` and the tasks' heads are written.

    Args:
        components: the run's, or those of its recipe with other tasks.
        folder: the run's.
        again: evaluate even if `evaluation.json` exists.
        console: where progress is shown.

    Returns:
        As `reported` gives them; empty without tasks.
    """
    if not components.plan.recipe.evaluate:
        return {}
    if folder.evaluation.exists() and not again:
        results: dict[str, Any] = json.loads(folder.evaluation.read_text(encoding="utf-8"))
        return results
    trained, untrained = components.backbone(folder.backbone), components.backbone()
    if console:
        console.print("evaluating, and an untrained network to compare with …", highlight=False)
    with (
        extractor_of(components, untrained, console) as other,
        extractor_of(components, trained, console, ahead=other) as ours,
    ):
        found = _evaluate(components, ours, console)
        compared = _evaluate(components, other, console).results
    results = reported(
        found.results,
        compared,
        {chosen.key: chosen.descriptor for chosen in components.plan.of(Kind.EVALUATORS)},
    )
    # Nothing is written before everything is evaluated, so that results, heads and mistakes belong together.
    keep_heads(components, folder, found)
    write_json(folder.mistakes, mistakes_of(found, components.tasks))
    write_json(folder.evaluation, results)
    return results


def _evaluate(components: Components, extractor: FeatureExtractor, console: Console | None) -> Evaluated:
    """The results of the recipe's tasks for one network."""
    with components.blame.assigned():
        return evaluate_tasks(extractor, components.tasks, seed=components.plan.recipe.seed, console=console)
