"""What the recipes of a benchmark are: their strategies in words, and what they change in the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ssltoolbox.bench.results import Bench
from ssltoolbox.registry import discover
from ssltoolbox.report.recipe import differences
from ssltoolbox.report.training import STRATEGIES

NOT_COMPARED = frozenset(("name", "recipe", "seed"))


@dataclass(frozen=True)
class RecipeFacts:
    """One recipe.

    Attributes:
        name: of the recipe.
        components: (name, summary) of the method and each strategy.
        changes: (option, in the baseline, in this recipe); None where there is no such option.
        is_baseline: whether the others are compared with it.
    """

    name: str
    components: tuple[tuple[str, str], ...]
    changes: tuple[tuple[str, str | None, str | None], ...] = ()
    is_baseline: bool = False


def recipes_of(bench: Bench) -> list[RecipeFacts]:
    """The recipes in the grid's order."""
    recipes: dict[str, Mapping[str, Any]] = {}
    for job in bench.states:
        if job.recipe not in recipes:
            recipes[job.recipe] = yaml.safe_load(job.text)
    files = {Path(file) for recipe in recipes.values() for file in recipe.get("plugins", {}).get("files", ())}
    registry = discover(sorted(file for file in files if file.is_file()))
    summaries = {
        (item.kind.section, item.descriptor.name): item.descriptor.summary for item in registry.all()
    }
    baseline = recipes.get(bench.baseline or "")
    return [
        RecipeFacts(
            name,
            tuple((key, summaries.get((section, key), "")) for section, key in _components(recipe)),
            tuple(_changes(baseline, recipe)) if baseline else (),
            name == bench.baseline,
        )
        for name, recipe in recipes.items()
    ]


def _components(recipe: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """(section, name) of the method and the strategies."""
    if "method" in recipe:
        yield "method", recipe["method"]["name"]
    for section in STRATEGIES:
        yield from ((section, component["name"]) for component in recipe.get(section) or ())


def _changes(
    baseline: Mapping[str, Any], recipe: Mapping[str, Any]
) -> Iterator[tuple[str, str | None, str | None]]:
    compared = [
        {key: value for key, value in each.items() if key not in NOT_COMPARED} for each in (baseline, recipe)
    ]
    for difference in differences(compared):
        before, now = difference.values
        yield difference.key, before, now
