"""Keeps the heads of the tasks that were evaluated in the run folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ssltoolbox.api import EvaluatorDescriptor, Kind
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.runs.folder import RunFolder
from ssltoolbox.engine.runs.heads import HeadCard, write_head
from ssltoolbox.engine.scoring.tasks import Evaluated
from ssltoolbox.models import weights_hash
from ssltoolbox.plan import Chosen, Plan


def keep_heads(components: Components, folder: RunFolder, found: Evaluated) -> None:
    """Writes each head with its card.

    Raises:
        SslToolboxError: when the disk is full or can't be written to.
    """
    plan = components.plan
    chosen = {one.key: one for one in plan.of(Kind.EVALUATORS)}
    for task, head in found.heads.items():
        results = {key: result for key, result in found.results.items() if result["task"] == task}
        first = next(iter(results.values()))
        card = HeadCard(
            task=task,
            protocol=str(first.get("protocol", "")),
            outputs=head.outputs,
            view=plan.views.spelled_out,
            image_size=components.tasks[task].folds[0]["train"].size,
            weights=weights_hash(head.backbone) if head.backbone is not None else first["weights"],
            fitted_on=_data(plan, chosen[task], first),
            metrics={key: dict(_metrics(chosen[task], result)) for key, result in results.items()},
            seed=first["seed"],
            features=tuple(plan.recipe.backbone.layers),
        )
        write_head(folder, head, card)


def _data(plan: Plan, task: Chosen, result: Mapping[str, Any]) -> dict[str, Any]:
    """What the head was fitted on."""
    data = task.own_data.chosen if task.own_data else plan.data
    counts = {name: result[name] for name in ("frames", "limited") if name in result}
    facts = task.facts_of_data(plan.facts)
    note = {"note": facts.note} if facts and facts.note else {}
    fold = {"fold": f"the first of {len(result['folds'])}; metrics are means"} if "folds" in result else {}
    return {"data": data.descriptor.name, "split": "train", "chosen_on": "val", **counts, **note, **fold}


def _metrics(task: Chosen, result: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The metrics that the task declares, on the test split."""
    descriptor = task.descriptor
    declared = descriptor.metrics if isinstance(descriptor, EvaluatorDescriptor) else ()
    for key in dict.fromkeys(metric.key for metric in declared):
        if key in result:
            yield key, result[key]
