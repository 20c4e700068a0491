"""Rules for negative samplers."""

from __future__ import annotations

from typing import Any

from ssltoolbox.api import Clip, NegativeSamplerOptions
from ssltoolbox.testing.card import picklable
from ssltoolbox.testing.picks import ask, clip_unchanged, every_pick, inside, pure, questions
from ssltoolbox.testing.rules import Breach, Subject, rule

LONG = 100
"""Frames of a clip in which a sampler should find something."""


@rule("picks are frames of the clip")
def picks_inside(subject: Subject) -> None:
    def look(picked: Any, clip: Clip, frame: int) -> None:
        if not isinstance(picked, list):
            raise Breach(
                f"`{subject.name}.pick` must give a list of frame numbers, it gave {picked!r}; an empty one "
                "where there is no answer"
            )
        for one in picked:
            inside(subject, one, clip)

    every_pick(subject, look)


@rule("picks differ from the anchor and from each other")
def distinct(subject: Subject) -> None:
    def look(picked: Any, clip: Clip, frame: int) -> None:
        if frame in picked:
            raise Breach(f"`{subject.name}.pick` gave the anchor as its own negative: leave `anchor` out")
        if len(set(picked)) < len(picked):
            raise Breach(f"`{subject.name}.pick` gave a frame twice: draw without replacement")

    every_pick(_with_count(subject, 3), look)


@rule("as many picks as `count` asks for")
def count(subject: Subject) -> None:
    for number in (1, 2, 4):
        wanted = _with_count(subject, number)
        sampler = wanted.make()
        found = max((len(ask(sampler, *question)) for question in questions(LONG)), default=0)
        if found != number:
            raise Breach(
                f"`{subject.name}.pick` gave at most {found} frames of a long clip with count: {number}: give "
                "`self.options.count`, and fewer only where the clip has no more"
            )


def _with_count(subject: Subject, number: int) -> Subject:
    options = subject.options
    assert isinstance(options, NegativeSamplerOptions)
    changed = options.model_copy(update={"count": number})
    return Subject(subject.kind, subject.card, subject.module, changed, subject.target)


RULES = (picklable, picks_inside, distinct, count, pure, clip_unchanged)
