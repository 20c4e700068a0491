"""Checks of trainer options against the components of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ssltoolbox.api import Kind, MethodDescriptor
from ssltoolbox.plan.plan import Chosen, Plan
from ssltoolbox.recipe import LoadedRecipe, RecipeProblem


def trainer_checks(
    chosen: Mapping[Kind, tuple[Chosen, ...]], loaded: LoadedRecipe
) -> Iterator[RecipeProblem]:
    """Trainer options that can't act with the method."""
    trainer = loaded.sections.get("trainer")
    if trainer is None:
        return
    given = [name for name in ("chunk_size", "grad_checkpointing") if getattr(trainer, name)]
    for method in chosen.get(Kind.METHODS, ()):
        assert isinstance(method.descriptor, MethodDescriptor)
        if method.descriptor.whole_backbone:
            return
        for name in given:
            yield RecipeProblem(
                loaded.node("trainer", name).place,
                f"{name} can't act: method {method.descriptor.name!r} calls layers of the backbone, not the "
                "backbone as a whole",
                "remove it; accumulate divides a batch with every method",
            )


def norm_instances(plan: Plan) -> int:
    """Instances that share the statistics of a batch norm; 0 if that depends on the devices that a run finds."""
    trainer, compared = plan.recipe.trainer, plan.counts.compared
    processes = trainer.devices * trainer.nodes if isinstance(trainer.devices, int) else 0
    if not trainer.chunk_size:
        return compared if trainer.sync_batch_norm else compared // processes if processes else 0
    sharing = processes or 1 if trainer.sync_batch_norm else 1
    return min(compared, trainer.chunk_size * sharing)
