"""Keys of a recipe that only some components of a kind use, such as the momentum of an optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ssltoolbox.api import Kind
from ssltoolbox.plan.plan import Chosen
from ssltoolbox.recipe import LoadedRecipe, RecipeProblem


def without_idle_keys(
    loaded: LoadedRecipe, chosen: Mapping[Kind, tuple[Chosen, ...]]
) -> tuple[LoadedRecipe, list[RecipeProblem]]:
    """The recipe without values that the chosen components don't look at, and those that are wrong.

    A value that is farther away than the component's name, such as a parent's `momentum` where the child writes
    `optim: adamw`, no longer counts. A nearer one is a mistake, unless it is the default.
    """
    problems = []
    for kind, items in chosen.items():
        for item in items:
            for key in (key for key in kind.keys if key.rpartition(".")[2] not in item.descriptor.uses):
                section, _, option = key.partition(".")
                model = loaded.sections.get(section)
                if model is None:
                    continue
                default = type(model).model_fields[option].get_default()
                if getattr(model, option) == default:
                    continue
                written, name = loaded.node(section, option), loaded.node(*kind.path, "name")
                if written.generation > name.generation:
                    reset = model.model_copy(update={option: default})
                    loaded = replace(loaded, sections={**loaded.sections, section: reset})
                else:
                    message = f"{item.title} has no {option}"
                    hint = f"remove it, or choose another {kind.singular}"
                    problems.append(RecipeProblem(written.best_place, message, hint))
    return loaded, problems
