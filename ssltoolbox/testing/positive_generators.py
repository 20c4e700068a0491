"""Rules for positive generators."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch

from ssltoolbox.api import Batch, Clip, Pick
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.compare import changed_field, copy_of, devices, same, seed_globally, shape_of
from ssltoolbox.testing.material import batch
from ssltoolbox.testing.picks import ask, clip_unchanged, every_pick, inside, pick_calls, pure, questions
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule
from ssltoolbox.testing.state import Call, frozen, keeps_nothing

FIXED = ("draw", "clip", "identity", "time", "labels")
"""Fields of a batch that rendering must not change."""


@rule("a pick is a frame of the clip, or None")
def picks_inside(subject: Subject) -> Iterator[Complaint]:
    def look(picked: Any, clip: Clip, frame: int) -> Iterator[Complaint]:
        if picked is not None:
            yield from inside(subject, picked, clip)

    yield from every_pick(subject, look)


@rule("render does not change its input")
def input_unchanged(subject: Subject) -> Iterator[Complaint]:
    for given in _batches(subject):
        before = copy_of(given)
        _render(subject, given)
        if changed := changed_field(before, given):
            yield Complaint(
                changed,
                f"`{subject.name}.render` changed its input ({changed}): work on a copy, for example "
                "`dataclasses.replace(batch, frames=…)` with frames from `batch.frames.clone()`",
            )


@rule("render keeps shapes and types")
def shapes(subject: Subject) -> Iterator[Complaint]:
    for given in _batches(subject):
        rendered = _render(subject, given)
        if not isinstance(rendered, Batch):
            raise Breach(f"`{subject.name}.render` must return a `Batch`, not {type(rendered).__name__}")
        for name in ("frames", "landmarks"):
            old, new = getattr(given, name), getattr(rendered, name)
            if (old.shape, old.dtype, old.device) != (new.shape, new.dtype, new.device):
                yield Complaint(
                    name,
                    f"`{subject.name}.render` returned {name} of {shape_of(new)} on {new.device}, but must keep "
                    f"{shape_of(old)} on {old.device}",
                )


@rule("render changes only positives")
def only_positives(subject: Subject) -> Iterator[Complaint]:
    for given in _batches(subject):
        rendered = _render(subject, given)
        sources = slice(0, 1 + given.hard_negatives)
        for name in ("frames", "landmarks"):
            old, new = getattr(given, name)[:, sources], getattr(rendered, name)[:, sources]
            if not same(old, new):
                yield Complaint(
                    name,
                    f"`{subject.name}.render` changed {name} of anchors or hard negatives: change only the "
                    "roles of `batch.positives`, the second half of the second axis",
                )
        for name in FIXED:
            if not same(getattr(given, name), getattr(rendered, name)):
                yield Complaint(
                    name,
                    f"`{subject.name}.render` changed `{name}`: it may change only frames, landmarks and counts",
                )


@rule("a face has all landmarks or none")
def landmarks_whole(subject: Subject) -> None:
    for given in _batches(subject):
        known = _render(subject, given).landmarks.isfinite().flatten(2)
        if not torch.equal(known.any(dim=2), known.all(dim=2)):
            raise Breach(
                f"`{subject.name}.render` returned a frame with only some of its landmarks: if a frame loses "
                "its landmarks, set all 68 to NaN"
            )


@rule("the same seed gives the same pixels")
def reproducible(subject: Subject) -> None:
    for given in _batches(subject):
        once, again = (_render(subject, given) for _ in range(2))
        if not (same(once.frames, again.frames) and same(once.landmarks, again.landmarks)):
            raise Breach(
                f"`{subject.name}.render` returned other pixels with the same seed of torch: take random "
                "numbers only from torch's global generator, not from numpy, `random` or a generator of your "
                "own"
            )


@rule("render keeps the existing counts")
def counts(subject: Subject) -> None:
    for given in _batches(subject):
        found = _render(subject, given).counts
        if not set(given.counts) <= set(found) or not all(isinstance(n, int) for n in found.values()):
            raise Breach(
                f"`{subject.name}.render` must keep the batch's counts and add whole numbers: "
                "`counts={**batch.counts, 'swapped': n}`"
            )


def _batches(subject: Subject) -> Iterator[Batch]:
    """Batches of several draws and of one, with and without hard negatives and landmarks, on every device."""
    found = _found_by(subject.make())
    for device in devices():
        for draws, hard, known in ((5, 1, True), (4, 0, True), (3, 2, False), (1, 0, True), (1, 1, False)):
            yield batch(draws, hard, known, found=found).to(device)


def _found_by(generator: Any) -> set[str]:
    """The names of the numbers that the generator's picks find."""
    answers = (ask(generator, *question) for question in questions())
    return {name for answer in answers if isinstance(answer, Pick) for name in answer.found}


def _render(subject: Subject, given: Batch) -> Any:
    return _rendered(subject.on(given.frames.device.type), given)


def _rendered(generator: Any, given: Batch) -> Any:
    seed_globally(3)
    with torch.no_grad():
        return generator.render(given)


def _calls(subject: Subject) -> list[Call]:
    """A pick, then the rendering that follows it, as in a run with one process."""
    given = batch(4, 1, found=_found_by(subject.make()))
    render: Call = ("render", partial(_rendered, given=given))
    picks = pick_calls(subject)
    return [*picks, render, *picks[:1], render]


RULES = (
    picklable,
    picks_inside,
    pure,
    clip_unchanged,
    input_unchanged,
    shapes,
    only_positives,
    landmarks_whole,
    reproducible,
    counts,
    keeps_nothing(_calls),
    frozen,
)
