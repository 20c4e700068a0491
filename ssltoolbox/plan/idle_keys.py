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
    """The recipe without keys that the chosen components do not use, and the problems of such keys.

    If a parent writes the key and the child names the component, such as `momentum` and `optim: adamw`, the key is
    reset to its default. If both are in the same file, the key is a problem, unless it has its default.
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
