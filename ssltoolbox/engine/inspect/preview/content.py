"""What the picture shows and says: draws, their instances, and who is pushed away or masked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS, Rows
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import role_major
from ssltoolbox.engine.inspect.preview.batch import SeenBatch, can_render, seen_at
from ssltoolbox.engine.inspect.preview.words import Relation, facts, legend, pushed_heading

MOST_HARD = 3
"""Hard negatives of a draw that are shown."""
MOST_OTHERS = 3
"""Faces of other draws that are shown beside an instance, and as many of those that are masked for it."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture, [H, W, 3] uint8 RGB, and what stands below it."""

    image: np.ndarray
    caption: str = ""


@dataclass(frozen=True, eq=False)
class Instance:
    """One line: a frame, its positive, and the two views that the backbone sees.

    Attributes:
        name: "anchor", "hard negative", …, and as how many it counts where that is not one.
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
        pushed_heading: stands above the faces of other draws; empty without negatives.
        changes, masks: whether the recipe can change the pixels of positives, and whether it has maskers.
        notes: one line for each frame that could not be read.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    legend: tuple[tuple[Relation, str], ...]
    draws: tuple[ShownDraw, ...]
    pushed_heading: str
    changes: bool
    masks: bool
    notes: tuple[str, ...]


def collect(components: Components, draws: int, step: int) -> Preview:
    """What there is to show of a step.

    Raises:
        UserError: when the recipe has no such step, or doesn't train.
    """
    plan = components.plan
    seen = seen_at(components, step)
    return Preview(
        title=f"{plan.recipe.name}: pairs of step {step} of {plan.counts.steps}",
        facts=tuple(facts(plan)),
        legend=tuple(legend(plan, seen)),
        draws=tuple(_draw(components, seen, number) for number in range(min(draws, len(seen.drawn)))),
        pushed_heading=pushed_heading(plan),
        changes=can_render(components),
        masks=seen.masking is not None,
        notes=seen.drawn.notes,
    )


def _draw(components: Components, seen: SeenBatch, number: int) -> ShownDraw:
    hard = seen.drawn.hard_negatives
    shown = 1 + min(hard, MOST_HARD)
    clip = int(seen.drawn.clip[number, 0])
    return ShownDraw(
        clip=components.splits["train"].clip(clip).name or f"clip {clip}",
        identity=int(seen.drawn.identity[number, 0]),
        instances=tuple(_instance(components, seen, number, role) for role in range(shown)),
        more_hard=1 + hard - shown,
    )


def _instance(components: Components, seen: SeenBatch, draw: int, role: int) -> Instance:
    row = role * len(seen.drawn) + draw
    positive = row + len(seen.view_a)
    changed_by = seen.changed_by[row]
    masked = _masked_rows(seen, row)
    return Instance(
        name=_role_name(role, seen.drawn.hard_negatives, components.hard_weights),
        frame=_frame_tile(seen, row, f"anchor {_offset(seen.rows, draw, row)}" if role else ""),
        positive=_frame_tile(seen, positive, _offset(seen.rows, row, positive)),
        changed=Tile(_rendered(seen, positive), f"by {' and '.join(changed_by)}") if changed_by else None,
        view_a=Tile(_pixels(seen.view_a[row])),
        view_b=Tile(_pixels(seen.view_b[row])),
        others=_others(components, seen, draw) if role == 0 else (),
        masked=tuple(_candidate_tile(seen, row, candidate) for candidate in masked[:MOST_OTHERS]),
        more_masked=max(0, len(masked) - MOST_OTHERS),
    )


def _role_name(role: int, hard: int, weights: Sequence[float] = ()) -> str:
    """
    >>> _role_name(0, hard=2), _role_name(2, hard=2), _role_name(1, hard=1, weights=[32.0])
    ('anchor', 'hard negative 2', 'hard negative\\ncounts as 32')
    """
    if role == 0:
        return "anchor"
    weight = weights[role - 1] if weights else 1
    return "hard negative" + f" {role}" * (hard > 1) + f"\ncounts as {weight:g}" * (weight != 1)


def _frame_tile(seen: SeenBatch, row: int, moment: str) -> Tile:
    moment = moment or f"at {float(seen.rows.time[row]):.2f} s"
    return Tile(_drawn(seen, row), " · ".join(filter(None, [moment, _expression(seen.rows, row)])))


def _others(components: Components, seen: SeenBatch, draw: int) -> tuple[Tile, ...]:
    """Faces of the next draws that the anchor of this one is pushed apart from."""
    negatives = components.plan.method_descriptor.negatives
    if negatives is None:
        return ()
    draws, masked = len(seen.drawn), _masked_rows(seen, draw)
    first = len(seen.view_a) if negatives == "queue" else 0
    following = (first + (draw + step) % draws for step in range(1, draws))
    rows = [row for row in following if row not in masked]
    return tuple(_candidate_tile(seen, None, row) for row in rows[:MOST_OTHERS])


def _masked_rows(seen: SeenBatch, row: int) -> list[int]:
    """The rows that are masked for a row of side A, the most similar first."""
    if seen.masking is None:
        return []
    rows = seen.masking.masked[row].nonzero().flatten().tolist()
    similarity = seen.similarity
    if similarity is not None:
        rows.sort(key=lambda other: float(similarity[row, other]), reverse=True)
    return rows


def _candidate_tile(seen: SeenBatch, row: int | None, candidate: int) -> Tile:
    lines = [f"person {int(seen.rows.identity[candidate])}", _expression(seen.rows, candidate)]
    if row is not None and seen.similarity is not None:
        lines.append(f"cosine {float(seen.similarity[row, candidate]):.2f}")
    return Tile(_drawn(seen, candidate), "\n".join(filter(None, lines)))


def _offset(rows: Rows, start: int, row: int) -> str:
    return _seconds(float(rows.time[row] - rows.time[start]))


def _seconds(offset: float) -> str:
    """
    >>> _seconds(0.72), _seconds(-3.6), _seconds(0.0)
    ('+0.72 s', '−3.60 s', 'the same frame')
    """
    return f"{offset:+.2f} s".replace("-", "−") if offset else "the same frame"


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
