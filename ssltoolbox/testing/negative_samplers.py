"""Rules for negative samplers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ssltoolbox.api import Clip, NegativeSamplerOptions
from ssltoolbox.support.words import counted
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.picks import (
    ask,
    clip_unchanged,
    every_pick,
    inside,
    pick_calls,
    position_of,
    pure,
    questions,
)
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule
from ssltoolbox.testing.state import frozen, keeps_nothing

LONG = 100
"""Length in frames of a clip in which a sampler should find a negative."""


@rule("picks are frames of the clip")
def picks_inside(subject: Subject) -> Iterator[Complaint]:
    def look(picked: Any, clip: Clip, frame: int) -> Iterator[Complaint]:
        if not isinstance(picked, list):
            yield Complaint(
                "list",
                f"`{subject.name}.pick` must return a list of frame numbers, but it returned {picked!r}; return "
                "an empty list if there is no answer",
            )
            return
        for one in picked:
            yield from inside(subject, one, clip)

    yield from every_pick(subject, look)


@rule("picks differ from the anchor and from each other")
def distinct(subject: Subject) -> Iterator[Complaint]:
    def look(picked: Any, clip: Clip, frame: int) -> Iterator[Complaint]:
        positions = [position_of(one, clip) for one in picked]
        if (clip.index, frame) in positions:
            yield Complaint(
                "anchor", f"`{subject.name}.pick` returned the anchor as its own negative: leave out `anchor`"
            )
        if len(set(positions)) < len(positions):
            yield Complaint(
                "twice", f"`{subject.name}.pick` returned a frame twice: choose without replacement"
            )

    yield from every_pick(_with_count(subject, 3), look)


@rule("there are `count` picks")
def count(subject: Subject) -> None:
    for number in (1, 2, 4):
        sampler = _with_count(subject, number).make()
        found = max((len(ask(sampler, *question)) for question in questions(LONG)), default=0)
        if found != number:
            raise Breach(
                f"`{subject.name}.pick` returned at most {counted(found, 'frame')} of a long clip with count: "
                f"{number}: return `self.options.count` frames, and fewer only if the clip has no more"
            )


def _with_count(subject: Subject, number: int) -> Subject:
    assert isinstance(subject.options, NegativeSamplerOptions)
    return replace(subject, options=subject.options.model_copy(update={"count": number}))


RULES = (picklable, picks_inside, distinct, count, pure, clip_unchanged, keeps_nothing(pick_calls), frozen)
