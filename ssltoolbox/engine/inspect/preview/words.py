"""The text above the images: the recipe's components, and the meaning of the colours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from torch import Tensor

from ssltoolbox.api import KINDS, Batch, Kind
from ssltoolbox.engine.inspect.preview.batch import SeenBatch
from ssltoolbox.plan import Plan

Relation = Literal["pulled", "pushed", "masked", "neither"]


def facts(plan: Plan) -> Iterator[tuple[str, str]]:
    """Kind and summary of each component of the recipe."""
    strategies = (kind for kind in KINDS.values() if kind.strategy)
    for kind in (Kind.DATASETS, Kind.METHODS, *strategies, Kind.VIEWS):
        for chosen in plan.of(kind):
            yield kind.singular, f"{chosen.key}. {chosen.descriptor.summary}"


def legend(plan: Plan, seen: SeenBatch) -> Iterator[tuple[Relation, str]]:
    """The meaning of the colours in this batch."""
    negatives = plan.method_descriptor.negatives
    if not plan.method_descriptor.pairs:
        yield (
            "neither",
            f"nothing is pulled together or pushed apart: {plan.method.key} looks at view A alone",
        )
        return
    yield "pulled", "pulled together: the two views in a row (A from the frame, B from its positive)"
    if negatives is None:
        yield "pushed", f"nothing is pushed apart: {plan.method.key} has no negatives"
        return
    if negatives == "batch":
        others = f"each from the {len(seen.drawn) - 1} other samples of the batch"
    else:
        others = "each from the queue of earlier batches; faces of this batch stand for it here"
    rows = f"the rows of a sample from each other (hard negatives: {_hard_negatives(seen.drawn)}), and "
    yield "pushed", f"pushed apart: {rows if seen.drawn.hard_negatives else ''}{others}"
    if seen.masking:
        yield "masked", _masked(seen.masking.attract, seen.masking.terms)


def _hard_negatives(drawn: Batch) -> str:
    """What the hard negatives of the draws have in common."""
    hard = slice(1, 1 + drawn.hard_negatives)
    if (drawn.clip[:, hard] == drawn.clip[:, :1]).all():
        return "same clip, another moment"
    if (drawn.identity[:, hard] != drawn.identity[:, :1]).all():
        return "other people"
    return "another moment or another clip"


def pushed_heading(plan: Plan) -> str:
    """The heading of the negatives; empty for a method without negatives."""
    headings = {
        "batch": "pushed apart from these\nand all other samples",
        "queue": "pushed apart from such\nfaces in the queue",
    }
    negatives = plan.method_descriptor.negatives
    return headings[negatives] if negatives else ""


def _masked(attract: float, terms: Mapping[str, Tensor]) -> str:
    share = {name: f"{100 * float(value):.2g}%" for name, value in terms.items()}
    pull = f" but pulled together with weight {attract:g}" if attract else ""
    text = (
        f"masked: taken for a false negative, so not pushed apart{pull}; {share['masked_share']} of the pairs"
    )
    for name in share:
        label = name.removeprefix("masked_same_")
        if label != name:
            same, chance = share[name], share[f"chance_same_{label}"]
            text += f", {same} of these with the same {label.replace('_', ' ')} ({chance} by chance)"
    if any(name.startswith("masked_same_") for name in share):
        text += ". A dashed frame: the label differs from the row's"
    return text
