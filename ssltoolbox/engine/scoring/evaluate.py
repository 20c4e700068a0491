"""The recipe's downstream tasks on a run's backbone, beside a random initialisation of the same network."""

from __future__ import annotations

import json
from typing import Any

import torch
from rich.console import Console
from torch import nn

from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import shared_with, worker_count
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.scoring.tasks import evaluate_backbone
from ssltoolbox.models import load_weights
from ssltoolbox.plan import Plan
from ssltoolbox.support.files import write_json


def evaluate_run(
    plan: Plan, folder: RunFolder, again: bool = False, console: Console | None = None
) -> dict[str, Any]:
    """The results of the plan's tasks, as in `evaluation.json`, which is written unless it is there.

    Args:
        plan: the run's, or one with other tasks.
        folder: where `backbone.safetensors` lies.
        again: evaluate even if there are results.
        console: where it is said what is going on.

    Returns:
        Results by task, and under "random" the same for the random initialisation; empty without tasks.
    """
    if not plan.recipe.evaluate:
        return {}
    if folder.evaluation.exists() and not again:
        results: dict[str, Any] = json.loads(folder.evaluation.read_text(encoding="utf-8"))
        return results
    components = Components(plan)
    trained, random = components.backbone(), components.backbone()
    load_weights(trained, folder.backbone)
    if console:
        console.print("evaluating, beside a random initialisation …", highlight=False)
    results = {
        **evaluate_components(components, trained, console),
        "random": evaluate_components(components, random, console),
    }
    write_json(folder.evaluation, results)
    return results


def evaluate_components(
    components: Components, backbone: nn.Module, console: Console | None = None
) -> dict[str, dict[str, Any]]:
    """The results of the tasks for one backbone, on the device that the machine offers."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    workers = worker_count(components.plan, backbone)
    with shared_with(workers):
        return evaluate_backbone(
            backbone.to(device),
            components.view,
            components.splits,
            components.evaluators,
            own_datasets=components.own_splits,
            data_names={name: splits.data.descriptor.name for name, splits in components.own_splits.items()},
            workers=workers,
            device=device,
            seed=components.plan.recipe.seed,
            console=console,
        )
