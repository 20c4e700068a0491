"""Which columns of metrics.csv stand together in a plot, and what a reader must know of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ssltoolbox.report.files import Curve
from ssltoolbox.report.strategies import PER_DRAW

MOST_POINTS = 300
"""Points of a drawn curve; more are averaged, so that a long run's report stays small."""
NOT_DRAWN = frozenset(("epoch",))


@dataclass(frozen=True)
class Group:
    """Curves of one plot.

    Attributes:
        title: what it shows.
        reading: how to read it; may be empty.
        columns: of metrics.csv.
        from_zero: whether the axis begins at 0, so that noise doesn't look like news.
    """

    title: str
    reading: str
    columns: tuple[str, ...]
    from_zero: bool = True


KNOWN = (
    Group("Learning rate", "", ("lr",)),
    Group("Spread of the features", "1 over the whole sphere, 0 collapsed", ("feature_std",)),
    Group("Alignment", "distance of the two sides of a pair, 0 to 4", ("alignment",)),
    Group("Uniformity", "lower is more even, 0 is collapsed", ("uniformity",), from_zero=False),
    Group("Effective rank", "dimensions that the features use", ("effective_rank",)),
    Group("Candidates masked", "share of those that may be", ("masked_share",)),
    Group(
        "Masked with the same expression",
        "share, beside that of all candidates",
        ("masked_same_expression", "chance_same_expression"),
    ),
    Group(
        "Nearest neighbour with the same expression",
        "share in a batch, beside chance",
        ("neighbour_same_expression", "neighbour_chance"),
    ),
    Group(
        "Expression, by a linear probe on the val split",
        "macro-F1 of frozen features, on people never trained on",
        ("probe_expression_f1",),
    ),
    Group(
        "Valence and arousal, by a linear probe on the val split",
        "CCC of frozen features, on people never trained on",
        ("probe_valence_ccc", "probe_arousal_ccc"),
        from_zero=False,
    ),
    Group("Images per second", "", ("images_per_s",)),
    Group("GPU memory", "GiB in use, the most so far", ("gpu_memory_gib",)),
)


def groups_of(metrics: Mapping[str, Curve]) -> Iterator[tuple[Group, Mapping[str, Curve]]]:
    """The plots of a run and their curves: losses, what is known, what was counted, and all the rest."""
    losses = tuple(name for name in metrics if name == "loss" or name.endswith("_loss"))
    counted = tuple(name for name, curve in metrics.items() if name.endswith(PER_DRAW) and any(curve.values))
    placed = NOT_DRAWN.union(losses, *(group.columns for group in KNOWN))
    others = [name for name in metrics if name not in placed and not name.endswith(PER_DRAW)]
    groups = [
        Group("Loss", "", tuple(sorted(losses, key=lambda name: name != "loss")), from_zero=False),
        *KNOWN,
        Group(_title(counted[0]) if len(counted) == 1 else "Counted", "per draw", counted),
        *(Group(_title(name), "", (name,), from_zero=False) for name in others),
    ]
    for group in groups:
        curves = {name: thinned(metrics[name]) for name in group.columns if name in metrics}
        if curves:
            yield group, curves


def _title(column: str) -> str:
    return column.removesuffix(PER_DRAW).replace("_", " ").capitalize()


def thinned(curve: Curve, most: int = MOST_POINTS) -> Curve:
    """The curve, or the means of `most` equal parts of a longer one, each at its last step."""
    length = len(curve.steps)
    if length <= most:
        return curve
    ends = [(part + 1) * length // most for part in range(most)]
    parts = [curve.values[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return Curve([curve.steps[end - 1] for end in ends], [sum(part) / len(part) for part in parts])
