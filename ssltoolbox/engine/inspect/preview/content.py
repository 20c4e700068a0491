"""The content of the preview: draws, their instances, and the negatives and masked candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ssltoolbox.api import Rows
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import role_major
from ssltoolbox.engine.inspect.preview.batch import SeenBatch, can_render, seen_at
from ssltoolbox.engine.inspect.preview.words import Relation, facts, legend, pushed_heading

MOST_HARD = 3
"""The most hard negatives of a draw that are shown."""
MOST_OTHERS = 3
"""The most negatives, and the most masked candidates, that are shown for an instance."""
MOST_CROPS = 3
"""The most local crops of an instance that are shown."""

ClassNames = Mapping[str, Sequence[str]]
"""Label → the names of its classes."""


@dataclass(frozen=True, eq=False)
class Tile:
    """An image, [H, W, 3] uint8 RGB, and its caption.

    Attributes:
        doubtful: True for a masked candidate whose label differs from the row's.
    """

    image: np.ndarray
    caption: str = ""
    doubtful: bool = False


@dataclass(frozen=True, eq=False)
class Instance:
    """One line: a frame, its positive, and the two views that the backbone sees.

    Attributes:
        name: "anchor", "hard negative", …, and its weight in the loss if it is not 1.
        positive, view_b: None for a method without pairs.
        changed: the positive after the generators; None if they did not change its pixels.
        crops: some of the local crops.
        others: some of the negatives from other draws.
        masked: some of the candidates that are masked for the frame.
        more_masked: the number of masked candidates that are not shown.
    """

    name: str
    frame: Tile
    positive: Tile | None
    changed: Tile | None
    view_a: Tile
    view_b: Tile | None
    crops: tuple[Tile, ...]
    others: tuple[Tile, ...]
    masked: tuple[Tile, ...]
    more_masked: int


@dataclass(frozen=True, eq=False)
class ShownDraw:
    """The instances of one draw, anchor first.

    Attributes:
        more_hard: the number of hard negatives that are not shown.
    """

    clip: str
    identity: int
    instances: tuple[Instance, ...]
    more_hard: int


@dataclass(frozen=True, eq=False)
class Preview:
    """The content of the picture.

    Attributes:
        facts: kind and summary of each component of the recipe.
        legend: the meaning of the colours.
        pushed_heading: heading of the negatives; empty without negatives.
        pairs: True if the method uses the positives.
        changes, crops, masks: True if the recipe can change the pixels of positives, has local crops, has maskers.
        most: the number of draws of the micro-batch.
        notes: one line for each frame that could not be read.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    legend: tuple[tuple[Relation, str], ...]
    draws: tuple[ShownDraw, ...]
    pushed_heading: str
    pairs: bool
    changes: bool
    crops: bool
    masks: bool
    most: int
    notes: tuple[str, ...]


def collect(components: Components, draws: int, step: int) -> Preview:
    """Collects the content for a step.

    Raises:
        UserError: when the recipe has no such step, or doesn't train.
    """
    plan = components.plan
    seen = seen_at(components, step)
    what = "pairs" if plan.method_descriptor.pairs else "frames"
    return Preview(
        title=f"{plan.recipe.name}: {what} of step {step} of {plan.counts.steps}",
        facts=tuple(facts(plan)),
        legend=tuple(legend(plan, seen)),
        draws=tuple(_draw(components, seen, number) for number in range(min(draws, len(seen.drawn)))),
        pushed_heading=pushed_heading(plan),
        pairs=plan.method_descriptor.pairs,
        changes=plan.method_descriptor.pairs and can_render(components),
        crops=bool(seen.crops),
        masks=seen.masking is not None,
        most=len(seen.drawn),
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
    names = _class_names(components)
    masked = _masked_rows(seen, row)
    positive, changed, view_b = None, None, None
    if components.plan.method_descriptor.pairs:
        side_b, changed_by = row + len(seen.view_a), seen.changed_by[row]
        positive = _frame_tile(seen, side_b, _seen_from(seen.rows, row, side_b), names)
        changed = Tile(_rendered(seen, side_b), f"by {' and '.join(changed_by)}") if changed_by else None
        view_b = Tile(_pixels(seen.view_b[row]))
    return Instance(
        name=_role_name(role, seen.drawn.hard_negatives, components.hard_weights),
        frame=_frame_tile(seen, row, _seen_from(seen.rows, draw, row, "anchor ") if role else "", names),
        positive=positive,
        changed=changed,
        view_a=Tile(_pixels(seen.view_a[row])),
        view_b=view_b,
        crops=tuple(Tile(_pixels(crop[row])) for crop in seen.crops[:MOST_CROPS]),
        others=_others(components, seen, draw) if role == 0 else (),
        masked=tuple(_candidate_tile(seen, row, candidate, names) for candidate in masked[:MOST_OTHERS]),
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


def _class_names(components: Components) -> ClassNames:
    facts = components.plan.facts
    return facts.classes if facts else {}


def _frame_tile(seen: SeenBatch, row: int, moment: str, names: ClassNames) -> Tile:
    moment = moment or f"at {float(seen.rows.time[row]):.2f} s"
    return Tile(_drawn(seen, row), " · ".join([moment, *_classes(seen.rows, row, names).values()]))


def _others(components: Components, seen: SeenBatch, draw: int) -> tuple[Tile, ...]:
    """Some negatives of the anchor of a draw, taken from the next draws."""
    negatives = components.plan.method_descriptor.negatives
    if negatives is None:
        return ()
    draws, masked = len(seen.drawn), _masked_rows(seen, draw)
    first = len(seen.view_a) if negatives == "queue" else 0
    following = (first + (draw + step) % draws for step in range(1, draws))
    rows = [row for row in following if row not in masked]
    names = _class_names(components)
    return tuple(_candidate_tile(seen, None, row, names) for row in rows[:MOST_OTHERS])


def _masked_rows(seen: SeenBatch, row: int) -> list[int]:
    """The rows that are masked for a row of side A, the most similar first."""
    if seen.masking is None:
        return []
    rows = seen.masking.masked[row].nonzero().flatten().tolist()
    similarity = seen.similarity
    if similarity is not None:
        rows.sort(key=lambda other: float(similarity[row, other]), reverse=True)
    return rows


def _candidate_tile(seen: SeenBatch, row: int | None, candidate: int, names: ClassNames) -> Tile:
    classes = _classes(seen.rows, candidate, names)
    own = {} if row is None else _classes(seen.rows, row, names)
    others = {label for label in own.keys() & classes.keys() if own[label] != classes[label]}
    lines = [
        f"person {int(seen.rows.identity[candidate])}",
        *(f"{name} ≠ {own[label]}" if label in others else name for label, name in classes.items()),
    ]
    if row is not None and seen.similarity is not None:
        lines.append(f"cosine {float(seen.similarity[row, candidate]):.2f}")
    return Tile(_drawn(seen, candidate), "\n".join(lines), doubtful=bool(others))


def _seen_from(rows: Rows, start: int, row: int, prefix: str = "") -> str:
    """How far in time a row is from another one of its clip; of another clip, whose it is."""
    if rows.clip[row] == rows.clip[start]:
        return f"{prefix}{_seconds(float(rows.time[row] - rows.time[start]))}"
    same = rows.identity[row] == rows.identity[start]
    return "another clip" if same else f"person {int(rows.identity[row])}"


def _seconds(offset: float) -> str:
    """
    >>> _seconds(0.72), _seconds(-3.6), _seconds(0.0)
    ('+0.72 s', '−3.60 s', 'the same frame')
    """
    return f"{offset:+.2f} s".replace("-", "−") if offset else "the same frame"


def _classes(rows: Rows, row: int, names: ClassNames) -> dict[str, str]:
    """Label → the name of a row's class, for the labels whose classes have names and that the row has."""
    known = (label for label in names if label in rows.labels and rows.labels[label].ndim == 1)
    numbers = {label: int(rows.labels[label][row]) for label in known}
    return {
        label: names[label][number] for label, number in numbers.items() if 0 <= number < len(names[label])
    }


def _drawn(seen: SeenBatch, row: int) -> np.ndarray:
    return _pixels(role_major(seen.drawn.frames)[row])


def _rendered(seen: SeenBatch, row: int) -> np.ndarray:
    return _pixels(role_major(seen.rendered.frames)[row])


def _pixels(image: Tensor) -> np.ndarray:
    """[3, H, W] → [H, W, 3]."""
    return image.permute(1, 2, 0).numpy()
