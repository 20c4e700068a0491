"""Rules for positive generators."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch

from ssltoolbox.api import Batch, Clip
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.material import batch
from ssltoolbox.testing.picks import clip_unchanged, every_pick, inside, pure
from ssltoolbox.testing.rules import (
    Breach,
    Subject,
    changed_field,
    copy_of,
    devices,
    rule,
    same,
    seed_globally,
    shape_of,
)

FIXED = ("draw", "clip", "identity", "time", "labels")
"""What rendering must leave alone: who is who."""


@rule("a pick is a frame of the clip, or None")
def picks_inside(subject: Subject) -> None:
    def look(picked: Any, clip: Clip, frame: int) -> None:
        if picked is not None:
            inside(subject, picked, clip)

    every_pick(subject, look)


@rule("render leaves its input alone")
def input_unchanged(subject: Subject) -> None:
    for given in _batches():
        before = copy_of(given)
        _render(subject, given)
        if changed := changed_field(before, given):
            raise Breach(
                f"`{subject.name}.render` changed the batch it was given ({changed}): work on a copy, for "
                "example `dataclasses.replace(batch, frames=…)` with frames from `batch.frames.clone()`"
            )


@rule("render keeps shapes and types")
def shapes(subject: Subject) -> None:
    for given in _batches():
        rendered = _render(subject, given)
        if not isinstance(rendered, Batch):
            raise Breach(f"`{subject.name}.render` must give a `Batch`, it gave {type(rendered).__name__}")
        for name in ("frames", "landmarks"):
            old, new = getattr(given, name), getattr(rendered, name)
            if (old.shape, old.dtype, old.device) != (new.shape, new.dtype, new.device):
                raise Breach(
                    f"`{subject.name}.render` gave {name} of {shape_of(new)} on {new.device}, it must stay "
                    f"{shape_of(old)} on {old.device}"
                )


@rule("only positives are rendered")
def only_positives(subject: Subject) -> None:
    for given in _batches():
        rendered = _render(subject, given)
        sources = slice(0, 1 + given.hard_negatives)
        for name in ("frames", "landmarks"):
            old, new = getattr(given, name)[:, sources], getattr(rendered, name)[:, sources]
            if not same(old, new):
                raise Breach(
                    f"`{subject.name}.render` changed {name} of anchors or hard negatives: change only the "
                    "roles of `batch.positives`, the second half of the second axis"
                )
        for name in FIXED:
            if not same(getattr(given, name), getattr(rendered, name)):
                raise Breach(
                    f"`{subject.name}.render` changed `{name}`: who is who stays as it was, only frames, "
                    "landmarks and counts may change"
                )


@rule("a face has all landmarks or none")
def landmarks_whole(subject: Subject) -> None:
    for given in _batches():
        known = _render(subject, given).landmarks.isfinite().flatten(2)
        if not torch.equal(known.any(dim=2), known.all(dim=2)):
            raise Breach(
                f"`{subject.name}.render` left a frame with some of its landmarks: a frame that has none any "
                "more has NaN for all 68"
            )


@rule("the same seed, the same pixels")
def reproducible(subject: Subject) -> None:
    for given in _batches():
        once, again = (_render(subject, given) for _ in range(2))
        if not (same(once.frames, again.frames) and same(once.landmarks, again.landmarks)):
            raise Breach(
                f"`{subject.name}.render` gave other pixels with the same seed of torch: draw from torch's "
                "global generator alone, not from numpy, `random` or a generator of your own"
            )


@rule("counts are added, never lost")
def counts(subject: Subject) -> None:
    for given in _batches():
        found = _render(subject, given).counts
        if not set(given.counts) <= set(found) or not all(isinstance(n, int) for n in found.values()):
            raise Breach(
                f"`{subject.name}.render` must keep the batch's counts and add whole numbers: "
                "`counts={**batch.counts, 'swapped': n}`"
            )


def _batches() -> Iterator[Batch]:
    """Several draws and a single one, with and without hard negatives and landmarks, on every device."""
    for device in devices():
        for draws, hard, known in ((5, 1, True), (4, 0, True), (3, 2, False), (1, 0, True), (1, 1, False)):
            yield batch(draws, hard, known).to(device)


def _render(subject: Subject, given: Batch) -> Batch:
    generator = subject.on(given.frames.device.type)
    seed_globally(3)
    with torch.no_grad():
        rendered: Batch = generator.render(given)
    return rendered


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
)
