"""Groups the columns of metrics.csv into plots, and counts what the strategies did."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ssltoolbox.api import KINDS
from ssltoolbox.report.files import Curve
from ssltoolbox.tasks.words import PER_SAMPLE, PROBED, column_words

STRATEGIES = tuple(kind.section for kind in KINDS.values() if kind.strategy)
"""Sections of a recipe."""
MOST_POINTS = 300
"""Points of a drawn curve; more are averaged, so that a long run's report stays small."""
NOT_DRAWN = frozenset(("epoch",))


@dataclass(frozen=True)
class Group:
    """Curves of one plot.

    Attributes:
        title: what it shows.
        reading: one sentence that says what good looks like.
        columns: the columns of metrics.csv.
        from_zero: whether the axis begins at 0, so that small noise looks small.
    """

    title: str
    reading: str
    columns: tuple[str, ...]
    from_zero: bool = True


KNOWN = (
    Group("Learning rate", "It should follow the schedule: up in the warm-up, then down.", ("lr",)),
    Group(
        "Spread of the features",
        "It should stay near 1, spread over the whole sphere. 0 is a collapse.",
        ("feature_std",),
    ),
    Group("Alignment", "Distance of the two sides of a pair, from 0 to 4. It should fall.", ("alignment",)),
    Group(
        "Uniformity",
        "Lower means more evenly spread. It should stay well below 0. 0 is a collapse.",
        ("uniformity",),
        from_zero=False,
    ),
    Group(
        "Effective rank",
        "Number of dimensions that the features use. It should not become small.",
        ("effective_rank",),
    ),
    Group(
        "Candidates masked",
        "Share of the candidates that may be masked. It should be steady and above 0.",
        ("masked_share",),
    ),
)
MACHINE = (
    Group("Images per second", "It should be steady. In a dip, the training had to wait.", ("images_per_s",)),
    Group("GPU memory", "Largest amount so far, in GiB. It should soon stop rising.", ("gpu_memory_gib",)),
)
LOSS = "It should fall, fast at first. Its height depends on the method and the batch."
COUNTED = "Number per sample. It should be steady."
OTHERS = "The method or a plugin logs it. Its documentation says which values are good."


def groups_of(metrics: Mapping[str, Curve]) -> Iterator[tuple[Group, Mapping[str, Curve]]]:
    """The plots of a run and their curves: losses, known columns, counts, and all other columns."""
    losses = tuple(name for name in metrics if name == "loss" or name.endswith("_loss"))
    counted = tuple(
        name for name, curve in metrics.items() if name.endswith(PER_SAMPLE) and any(curve.values)
    )
    known = (*KNOWN, *_labelled_groups(metrics), *MACHINE)
    placed = NOT_DRAWN.union(losses, *(group.columns for group in known))
    others = [name for name in metrics if name not in placed and not name.endswith(PER_SAMPLE)]
    groups = [
        Group("Loss", LOSS, tuple(sorted(losses, key=lambda name: name != "loss")), from_zero=False),
        *known,
        Group(_title(column_words(counted[0])) if len(counted) == 1 else "Counted", COUNTED, counted),
        *(Group(_title(column_words(name)), OTHERS, (name,), from_zero=False) for name in others),
    ]
    for group in groups:
        curves = {name: thinned(metrics[name]) for name in group.columns if name in metrics}
        if curves:
            yield group, curves


def strategies_of(recipe: Mapping[str, Any]) -> list[str]:
    """The names of a recipe's strategies."""
    return [component["name"] for section in STRATEGIES for component in recipe.get(section) or ()]


def strategy_counts(metrics: Mapping[str, Curve]) -> Iterator[tuple[str, str]]:
    """(name, amount) of each count, as means over the run."""
    if "masked_share" in metrics:
        yield "candidates masked", f"{metrics['masked_share'].mean:.2%}"
    for label in _labels(metrics, "masked_same_", ""):
        if f"chance_same_{label}" in metrics:
            chance, share = (metrics[f"{name}_same_{label}"].mean for name in ("chance", "masked"))
            yield f"of these, with the row's {column_words(label)}", f"{share:.0%} (chance {chance:.0%})"
    for name, curve in metrics.items():
        if name.endswith(PER_SAMPLE):
            yield column_words(name), f"{curve.mean:.2f} per sample"


def thinned(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """The curve, or the means of `most` equal parts of a longer one, each at its last step."""
    length = len(curve.steps)
    if length <= most:
        return curve
    ends = [(part + 1) * length // most for part in range(most)]
    parts = [curve.values[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return Curve([curve.steps[end - 1] for end in ends], [sum(part) / len(part) for part in parts])


def _labelled_groups(metrics: Mapping[str, Curve]) -> Iterator[Group]:
    """Plots of the metrics for each label of the data."""
    for label in _labels(metrics, "masked_same_", ""):
        yield Group(
            f"Masked with the same {column_words(label)}",
            "Share of the masked candidates. It should be well above chance, the share of all candidates.",
            (f"masked_same_{label}", f"chance_same_{label}"),
        )
    for label in _labels(metrics, "neighbour_same_", ""):
        yield Group(
            f"Nearest neighbour with the same {column_words(label)}",
            "Share of the rows of a batch. It rises above chance if the features separate the classes.",
            (f"neighbour_same_{label}", f"neighbour_chance_{label}"),
        )
    for key, from_zero in (("f1", True), ("ccc", False)):
        if labels := _labels(metrics, "probe_", f"_{key}"):
            yield Group(
                f"{_title(' and '.join(map(column_words, labels)))}, by a linear probe on the val split",
                f"{PROBED[key]} on people who are not in the training data. It should rise.",
                tuple(f"probe_{label}_{key}" for label in labels),
                from_zero,
            )


def _labels(columns: Iterable[str], start: str, end: str) -> list[str]:
    """The texts between `start` and `end` in the columns' names."""
    found = (re.fullmatch(f"{start}(.+){end}", name) for name in columns)
    return [match[1] for match in found if match]


def _title(words: str) -> str:
    """The words with a capital at the start; names such as `AU12` stay as they are."""
    return words[:1].upper() + words[1:]
