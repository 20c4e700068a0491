"""Checks of trainer options against the components of a recipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ssltoolbox.api import Kind, MethodDescriptor
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import LoadedRecipe, RecipeProblem


def trainer_checks(
    chosen: Mapping[Kind, tuple[Chosen, ...]], loaded: LoadedRecipe
) -> Iterator[RecipeProblem]:
    """Trainer options that can't act with the method."""
    trainer = loaded.sections.get("trainer")
    if trainer is None or trainer.chunk_size is None:
        return
    for method in chosen.get(Kind.METHODS, ()):
        assert isinstance(method.descriptor, MethodDescriptor)
        if not method.descriptor.whole_backbone:
            yield RecipeProblem(
                loaded.node("trainer", "chunk_size").place,
                f"chunk_size can't act: method {method.descriptor.name!r} calls layers of the backbone, not the "
                "backbone as a whole",
                "take it out; accumulate divides a batch with every method",
            )
