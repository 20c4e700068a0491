"""A picture of real draws of a recipe: what is pulled together, pushed apart, changed and masked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS, Kind, Rows
from ssltoolbox.engine.build import Parts
from ssltoolbox.engine.module import role_major
from ssltoolbox.engine.preview_batch import SeenBatch, can_render, seen_at
from ssltoolbox.plan import Plan

MOST_HARD = 3
"""Hard negatives of a draw that are shown."""
MOST_OTHERS = 3
"""Faces of other draws that are shown beside an instance, and as many of those that are masked for it."""

Relation = Literal["pulled", "pushed", "masked"]


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture, [H, W, 3] uint8 RGB, and what stands below it."""

    image: np.ndarray
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Instance:
    """One line: a frame, its positive, and the two views that the backbone sees.

    Attributes:
        name: "anchor", "hard negative", …
        changed: the positive after the generators, None where they left its pixels as they were.
        others: faces of other draws that it is pushed apart from, some of them.
        masked: the candidates that are masked for the frame, some of them.
        more_masked: how many others are.
    """

    name: str
    frame: Tile
    positive: Tile
    changed: Tile | None
    view_a: Tile
    view_b: Tile
    others: tuple[Tile, ...]
    masked: tuple[Tile, ...]
    more_masked: int


@dataclass(frozen=True, eq=False)
class ShownDraw:
    """The instances of one draw, anchor first.

    Attributes:
        more_hard: hard negatives that are not shown.
    """

    clip: str
    identity: int
    instances: tuple[Instance, ...]
    more_hard: int


@dataclass(frozen=True, eq=False)
class Preview:
    """All that the picture says.

    Attributes:
        facts: pairs of a part of the recipe and what it does.
        legend: what the colours mean.
        changes, pushes, masks: whether the recipe can change pixels of positives, has negatives, has maskers.
        notes: one line for each frame that could not be read.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    legend: tuple[tuple[Relation, str], ...]
    draws: tuple[ShownDraw, ...]
    changes: bool
    pushes: bool
    masks: bool
    notes: tuple[str, ...]


def preview(plan: Plan, output: Path, draws: int = 6, step: int = 0) -> Preview:
    """Writes the picture, and gives what it says.

    Args:
        output: where the PNG goes.
        draws: how many are shown; fewer where the micro-batch has fewer.
        step: the optimiser step, from 0, whose first micro-batch is shown.

    Raises:
        UserError: when the recipe has no such step, or doesn't train.
        SslToolboxError: when the file can't be written.
    """
    from ssltoolbox.engine.preview_page import write_page

    parts = Parts(plan)
    parts.import_all()
    content = collect(parts, draws, step)
    write_page(content, output)
    return content


def collect(parts: Parts, draws: int, step: int) -> Preview:
    """What there is to show of a step; see `preview`."""
    plan = parts.plan
    seen = seen_at(parts, step)
    return Preview(
        title=f"{plan.recipe.name}: pairs of step {step} of {plan.counts.steps}",
        facts=tuple(_facts(plan)),
        legend=tuple(_legend(plan, seen)),
        draws=tuple(_draw(parts, seen, number) for number in range(min(draws, len(seen.drawn)))),
        changes=can_render(parts),
        pushes=plan.method_descriptor.negatives is not None,
        masks=seen.masking is not None,
        notes=seen.drawn.notes,
    )


def _facts(plan: Plan) -> Iterator[tuple[str, str]]:
    kinds = (
        Kind.DATASETS,
        Kind.METHODS,
        Kind.POSITIVE_GENERATORS,
        Kind.NEGATIVE_SAMPLERS,
        Kind.NEGATIVE_MASKERS,
        Kind.VIEWS,
    )
    for kind in kinds:
        for chosen in plan.of(kind):
            yield kind.singular, f"{chosen.key}. {chosen.descriptor.summary}"


def _legend(plan: Plan, seen: SeenBatch) -> Iterator[tuple[Relation, str]]:
    yield "pulled", "pulled together: the two views of a line, A made of the frame, B of its positive"
    negatives = plan.method_descriptor.negatives
    if negatives is None:
        yield "pushed", f"nothing is pushed apart: {plan.method.key} has no negatives"
        return
    lines = "the lines of a draw from each other, and " if seen.drawn.hard_negatives else ""
    if negatives == "batch":
        others = f"each from all other draws of the batch, {len(seen.drawn) - 1} of them"
    else:
        others = "each from the queue of earlier batches; other draws of this batch stand for it here"
    yield "pushed", f"pushed apart: {lines}{others}"
    if seen.masking:
        yield "masked", _masked_words(seen.masking.attract, seen.masking.parts)


def _masked_words(attract: float, parts: Mapping[str, Tensor]) -> str:
    fate = f"but pulled together with weight {attract:g}" if attract else "and left out of the loss"
    share = {name: f"{float(value):.2g}" for name, value in parts.items()}
    text = f"masked, as false negatives: not pushed apart, {fate}; {share['masked_share']} of the candidates"
    if "chance_same_expression" in share:
        same, chance = share["masked_same_expression"], share["chance_same_expression"]
        text += f", of which {same} have the frame's expression ({chance} by chance)"
    return text


def _draw(parts: Parts, seen: SeenBatch, number: int) -> ShownDraw:
    hard = seen.drawn.hard_negatives
    shown = 1 + min(hard, MOST_HARD)
    clip = int(seen.drawn.clip[number])
    return ShownDraw(
        clip=parts.dataset.clip(clip).name or f"clip {clip}",
        identity=int(seen.drawn.identity[number]),
        instances=tuple(_instance(parts, seen, number, role) for role in range(shown)),
        more_hard=1 + hard - shown,
    )


def _instance(parts: Parts, seen: SeenBatch, draw: int, role: int) -> Instance:
    row = role * len(seen.drawn) + draw
    positive = row + len(seen.view_a)
    changed_by = seen.changed_by[row]
    masked = _masked_rows(seen, row)
    return Instance(
        name="anchor" if role == 0 else f"hard negative {role}",
        frame=_frame_tile(seen, row, "" if role == 0 else _offset(seen.rows, draw, row)),
        positive=_frame_tile(seen, positive, _offset(seen.rows, row, positive)),
        changed=Tile(_rendered(seen, positive), f"by {' and '.join(changed_by)}") if changed_by else None,
        view_a=Tile(_pixels(seen.view_a[row])),
        view_b=Tile(_pixels(seen.view_b[row])),
        others=_others(parts, seen, draw) if role == 0 else (),
        masked=tuple(_candidate_tile(seen, row, candidate) for candidate in masked[:MOST_OTHERS]),
        more_masked=max(0, len(masked) - MOST_OTHERS),
    )


def _frame_tile(seen: SeenBatch, row: int, moment: str) -> Tile:
    moment = moment or f"at {float(seen.rows.time[row]):.2f} s"
    return Tile(_drawn(seen, row), " · ".join(filter(None, [moment, _expression(seen.rows, row)])))


def _others(parts: Parts, seen: SeenBatch, draw: int) -> tuple[Tile, ...]:
    """Anchors of the next draws that the anchor of this one is pushed apart from."""
    if parts.plan.method_descriptor.negatives is None:
        return ()
    draws = len(seen.drawn)
    following = ((draw + step) % draws for step in range(1, draws))
    masked = set(_masked_rows(seen, draw))
    rows = [row for row in following if row not in masked][:MOST_OTHERS]
    return tuple(_candidate_tile(seen, None, row) for row in rows)


def _masked_rows(seen: SeenBatch, row: int) -> list[int]:
    """The rows that are masked for a row of side A, the most similar first."""
    if seen.masking is None:
        return []
    rows = seen.masking.masked[row].nonzero().flatten().tolist()
    if seen.similarity is not None:
        rows.sort(key=lambda other: -float(seen.similarity[row, other]))
    return rows


def _candidate_tile(seen: SeenBatch, row: int | None, candidate: int) -> Tile:
    lines = [f"person {int(seen.rows.identity[candidate])}", _expression(seen.rows, candidate)]
    if row is not None and seen.similarity is not None:
        lines.append(f"cosine {float(seen.similarity[row, candidate]):.2f}")
    return Tile(_drawn(seen, candidate), "\n".join(filter(None, lines)))


def _offset(rows: Rows, start: int, row: int) -> str:
    """
    >>> _offset(Rows(*[None] * 3, time=[4.0, 3.5], descriptor=None), 0, 1)
    '−0.50 s'
    """
    seconds = float(rows.time[row] - rows.time[start])
    return f"{seconds:+.2f} s".replace("-", "−") if seconds else "the same frame"


def _expression(rows: Rows, row: int) -> str:
    """The expression's name; empty where it is not known."""
    if "expression" not in rows.labels:
        return ""
    number = int(rows.labels["expression"][row])
    return EXPRESSIONS[number] if 0 <= number < len(EXPRESSIONS) else ""


def _drawn(seen: SeenBatch, row: int) -> np.ndarray:
    return _pixels(role_major(seen.drawn.frames)[row])


def _rendered(seen: SeenBatch, row: int) -> np.ndarray:
    return _pixels(role_major(seen.rendered.frames)[row])


def _pixels(image: Tensor) -> np.ndarray:
    """[3, H, W] → [H, W, 3]."""
    return image.permute(1, 2, 0).numpy()
