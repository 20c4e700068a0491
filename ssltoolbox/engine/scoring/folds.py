"""Results over several folds: each fold's numbers, and their mean."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

LEVEL = 0.95
SETTINGS = frozenset({"regulariser", "k", "epoch", "lr"})
"""What was chosen in each fold, of which a mean means nothing."""
_LEFT_OUT = ("unlabelled", "unreadable")
"""Counts of frames for each split, of which some folds may have none."""


def over_folds(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One result of those of several folds.

    Numbers are means, counts and confusion matrices are sums. Under `folds` stand the numbers of each. Resamples
    are means over the folds, each of which has other people, so they give the interval of the mean.
    """
    mean: dict[str, Any] = _combined(found)
    tail = (1 - LEVEL) / 2
    for name, values in mean.get("resamples", {}).items():
        mean[f"{name}_ci"] = np.quantile(values, [tail, 1 - tail]).tolist()
    for name in _LEFT_OUT:
        if total := sum((Counter(one.get(name, {})) for one in found), Counter[str]()):
            mean[name] = dict(total)
    return mean | {"folds": [_numbers(one) for one in found]}


def _numbers(result: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of a fold, and how many frames it used."""
    kept = {name: value for name, value in result.items() if isinstance(value, int | float | str)}
    return kept | {name: result[name] for name in ("frames", "clips") if name in result}


def _combined(values: Sequence[Any]) -> Any:
    """The mean of numbers, the sum of counts, and so for each member of a collection; None where they differ."""
    first = values[0]
    if isinstance(first, Mapping):
        shared = [
            name
            for name in first
            if all(name in one for one in values) and name not in SETTINGS and not name.endswith("_ci")
        ]
        parts = {
            name: _combined([one[name] for one in values]) for name in shared if not name.endswith("_ci")
        }
        return {name: part for name, part in parts.items() if part is not None}
    if isinstance(first, list | tuple):
        if any(len(one) != len(first) for one in values):
            return None
        items = [_combined(list(group)) for group in zip(*values, strict=True)]
        return None if any(item is None for item in items) else items
    if isinstance(first, str | bool) or first is None:
        return first if all(one == first for one in values) else None
    if all(isinstance(one, int) for one in values):
        return sum(values)
    return float(np.mean(values))
