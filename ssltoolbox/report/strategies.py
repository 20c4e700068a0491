"""What the strategies of a recipe did, in numbers over the whole run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ssltoolbox.api import KINDS
from ssltoolbox.report.files import Curve

SECTIONS = tuple(kind.section for kind in KINDS.values() if kind.strategy)
PER_DRAW = "_per_draw"
"""Ends the columns of metrics.csv that count something."""


def acting(recipe: Mapping[str, Any]) -> list[str]:
    """The names of a recipe's strategies."""
    return [component["name"] for section in SECTIONS for component in recipe.get(section) or ()]


def deeds(metrics: Mapping[str, Curve]) -> list[tuple[str, str]]:
    """(what, how much), means over the run."""
    return [*_masking(metrics), *_counts(metrics)]


def _masking(metrics: Mapping[str, Curve]) -> Iterator[tuple[str, str]]:
    if "masked_share" in metrics:
        yield "candidates masked", f"{metrics['masked_share'].mean:.2%}"
    if "masked_same_expression" in metrics and "chance_same_expression" in metrics:
        chance = metrics["chance_same_expression"].mean
        share = metrics["masked_same_expression"].mean
        yield "of these, with the row's expression", f"{share:.0%} (chance {chance:.0%})"


def _counts(metrics: Mapping[str, Curve]) -> Iterator[tuple[str, str]]:
    for name, curve in metrics.items():
        if name.endswith(PER_DRAW):
            yield name.removesuffix(PER_DRAW).replace("_", " "), f"{curve.mean:.2f} per draw"
