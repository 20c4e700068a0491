"""Rules for negative maskers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ssltoolbox.api import Batch, Rows
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.material import batch, rows
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

DRAWS, HARD = 5, 1


@rule("attract is a weight")
def attraction(subject: Subject) -> None:
    weight = subject.make().attract
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < float("inf"):
        raise Breach(f"`{subject.name}.attract` must be a number of at least 0, it is {weight!r}")


@rule("a descriptor for each frame")
def described(subject: Subject) -> None:
    widths = set()
    for given in _batches():
        found = _describe(subject, given)
        frames = given.frames.shape[0] * given.frames.shape[1]
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != frames:
            raise Breach(
                f"`{subject.name}.describe` must give [N·R, F], here [{frames}, F], it gave {shape_of(found)}: "
                "flatten with `batch.frames.flatten(0, 1)`, and give NaN for a frame without an opinion"
            )
        if not found.is_floating_point() or found.device != given.frames.device:
            raise Breach(
                f"`{subject.name}.describe` must give floats on {given.frames.device}, it gave "
                f"{shape_of(found)} on {found.device}"
            )
        widths.add(found.shape[1])
    if len(widths) > 1:
        raise Breach(
            f"`{subject.name}.describe` gave descriptors of {sorted(widths)} numbers: F must not depend on the "
            "batch, since queues keep them"
        )


@rule("no gradient leaves describe")
def no_gradient(subject: Subject) -> None:
    for given in _batches():
        if _describe(subject, given).requires_grad:
            raise Breach(
                f"`{subject.name}.describe` gave a tensor with a gradient: put `torch.no_grad()` around it, "
                "and freeze its network by `requires_grad_(False)`"
            )


@rule("describe leaves the batch alone")
def batch_unchanged(subject: Subject) -> None:
    for given in _batches():
        before = copy_of(given)
        _describe(subject, given)
        if changed := changed_field(before, given):
            raise Breach(f"`{subject.name}.describe` changed `batch.{changed}`: work on a copy of it")


@rule("the same batch, the same descriptors")
def reproducible(subject: Subject) -> None:
    for given in _batches():
        masker = subject.on(given.frames.device.type)
        once, again = (_describe(subject, given, masker, seed) for seed in (1, 2))
        if not same(once, again):
            raise Breach(
                f"`{subject.name}.describe` said something else of the same batch: it must not draw anything; "
                "a network in it is in `eval()`"
            )


@rule("a mask for each pair")
def masked(subject: Subject) -> None:
    for masker, anchors, candidates in _pairs(subject):
        eligible = _eligible(anchors, candidates)
        found = masker.mask(anchors, candidates, eligible)
        if shape_of(found) != shape_of(eligible):
            raise Breach(
                f"`{subject.name}.mask` must give {shape_of(eligible)}, a row for each anchor and a column for "
                f"each candidate, it gave {shape_of(found)}"
            )


@rule("mask leaves its input alone")
def rows_unchanged(subject: Subject) -> None:
    for masker, anchors, candidates in _pairs(subject):
        eligible = _eligible(anchors, candidates)
        given = {"anchors": anchors, "candidates": candidates}
        before = {name: copy_of(thing) for name, thing in given.items()}
        kept = eligible.clone()
        masker.mask(anchors, candidates, eligible)
        changed = [name for name, thing in given.items() if changed_field(before[name], thing)]
        changed += [] if torch.equal(kept, eligible) else ["eligible"]
        if changed:
            raise Breach(f"`{subject.name}.mask` changed `{changed[0]}`: work on a copy of it")


@rule("the same rows, the same mask")
def same_mask(subject: Subject) -> None:
    for masker, anchors, candidates in _pairs(subject):
        eligible = _eligible(anchors, candidates)
        seed_globally(1)
        once = masker.mask(anchors, candidates, eligible)
        seed_globally(2)
        if not same(once, masker.mask(anchors, candidates, eligible)):
            raise Breach(
                f"`{subject.name}.mask` masked others when asked again: it must not draw anything, nor "
                "remember what it was asked"
            )


@rule("mask needs nothing but the rows")
def of_rows_alone(subject: Subject) -> None:
    for masker, anchors, candidates in _pairs(subject):
        eligible = _eligible(anchors, candidates)
        expected, other = masker.mask(anchors, candidates, eligible), subject.on(str(eligible.device))
        advice = (
            f"`{subject.name}.mask` needs what `describe` left in the object; that may have run in another "
            "process and for another batch: put into the descriptors what `mask` is to know"
        )
        try:
            found = other.mask(anchors, candidates, eligible)
        except Exception as error:
            raise Breach(advice) from error
        if not same(expected, found):
            raise Breach(advice)


@rule("what isn't eligible doesn't matter")
def eligible_only(subject: Subject) -> None:
    for masker, anchors, candidates in _pairs(subject):
        for number in range(0, len(anchors), 3):
            anchor = anchors[number : number + 1]
            eligible = _eligible(anchor, candidates)
            others = torch.where(eligible[0, :, None], candidates.descriptor, anchor.descriptor)
            blank = torch.where(eligible[0, :, None], candidates.descriptor, torch.nan)
            alike, unknown = (
                masker.mask(anchor, replace(candidates, descriptors={"": part}), eligible) & eligible
                for part in (others, blank)
            )
            if not torch.equal(alike, unknown):
                raise Breach(
                    f"`{subject.name}.mask` let candidates count that may not be masked (the anchor itself, its "
                    "draw, empty places of a queue): set their similarity aside before choosing, for example "
                    "`similarity.masked_fill(~eligible, -torch.inf)`"
                )


def _batches() -> Iterator[Batch]:
    """Several draws and a single one, with and without hard negatives and landmarks, on every device."""
    for device in devices():
        for draws, hard, known in ((4, 1, True), (3, 0, True), (3, 1, False), (1, 0, True), (1, 0, False)):
            yield batch(draws, hard, known).to(device)


def _describe(subject: Subject, given: Batch, masker: Any = None, seed: int = 1) -> Tensor:
    masker = masker or subject.on(given.frames.device.type)
    seed_globally(seed)
    with torch.no_grad():
        found: Tensor = masker.describe(given)
    return found


def _pairs(subject: Subject) -> Iterator[tuple[Any, Rows, Rows]]:
    """A masker, anchors and candidates: a step with itself, with a queue half full, with one row, with nothing."""
    for device in devices():
        masker = subject.on(device)
        given = batch(DRAWS, HARD).to(device)
        descriptor = _describe(subject, given, masker).unflatten(0, given.frames.shape[:2])
        own = rows(DRAWS, HARD, descriptor.transpose(0, 1).flatten(0, 1).cpu()).to(device)
        empty = replace(
            own,
            draw=torch.full_like(own.draw, -1),
            descriptors={"": torch.full_like(own.descriptor, torch.nan)},
        )
        half = len(own) // 2
        yield masker, own, own
        yield masker, own[:half], own[half:] + empty
        yield masker, own, own[:1]
        yield masker, own, empty


def _eligible(anchors: Rows, candidates: Rows) -> Tensor:
    """[A, C] as the engine says it."""
    different = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
    own, theirs = (part.descriptor.isfinite().all(dim=1) for part in (anchors, candidates))
    return different & own[:, None] & theirs


RULES = (
    picklable,
    attraction,
    described,
    no_gradient,
    batch_unchanged,
    reproducible,
    masked,
    rows_unchanged,
    same_mask,
    of_rows_alone,
    eligible_only,
)
