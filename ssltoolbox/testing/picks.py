"""Rules for strategies that pick frames in the loader's workers: positive generators and negative samplers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np

from ssltoolbox.api import Clip, Pick
from ssltoolbox.testing.compare import changed_field, copy_of, same, seed_globally
from ssltoolbox.testing.material import clips
from ssltoolbox.testing.rules import Complaint, Subject, rule
from ssltoolbox.testing.state import Call

SEEDS = range(12)


def questions(least: int = 1) -> list[tuple[Clip, int, int]]:
    """Clip, frame and seed of test calls: ends and middles of all kinds of clips."""
    return [
        (clip, frame, seed)
        for clip in clips(least)
        for frame in sorted({0, len(clip) // 2, len(clip) - 1})
        for seed in SEEDS
    ]


def ask(strategy: Any, clip: Clip, frame: int, seed: int) -> Any:
    """The strategy's pick, with a generator of that seed."""
    return strategy.pick(clip, frame, np.random.default_rng(seed))


def position_of(answer: Any, clip: Clip) -> tuple[int, int]:
    """The clip and the frame of a pick."""
    if isinstance(answer, Pick):
        return (clip.index if answer.clip is None else answer.clip), answer.frame
    return clip.index, answer


def inside(subject: Subject, answer: Any, clip: Clip) -> Iterator[Complaint]:
    """The fault of an answer that must be a frame of the clip or a `Pick`."""
    if not isinstance(answer, int | np.integer | Pick) or isinstance(answer, bool):
        yield Complaint(
            "type", f"`{subject.name}.pick` must return frame numbers or `Pick`s, but it returned {answer!r}"
        )
        return
    number, frame = position_of(answer, clip)
    catalogue = clip.catalogue
    assert catalogue is not None
    if not 0 <= number < len(catalogue):
        yield Complaint("clip", f"`{subject.name}.pick` returned clip {number} of {len(catalogue)} clips")
        return
    length = len(catalogue.clip(number))
    if not 0 <= frame < length:
        yield Complaint(
            "frame",
            f"`{subject.name}.pick` returned frame {frame} of a clip of {length} frames: stay between 0 and "
            "len(clip) - 1, and return no answer if no frame fits",
        )


@rule("the same arguments give the same pick")
def pure(subject: Subject) -> Iterator[Complaint]:
    trials = questions()
    strategy = subject.make()
    seed_globally(1)
    first = [ask(strategy, *question) for question in trials]
    seed_globally(2)
    elsewhere = [ask(subject.make(), *question) for question in trials]
    if not same(first, elsewhere):
        yield Complaint(
            "pick",
            f"`{subject.name}.pick` does not depend only on its arguments: take random numbers from `rng`, "
            "never from `random`, `np.random` or torch",
        )
    seed_globally(1)
    again = [ask(strategy, *question) for question in reversed(trials)]
    if not same(first, again[::-1]):
        yield Complaint(
            "pick",
            f"`{subject.name}.pick` depends on earlier calls: return the same answer for the same arguments, so "
            "that runs don't depend on the number of workers",
        )


@rule("clips are not changed")
def clip_unchanged(subject: Subject) -> Iterator[Complaint]:
    for clip, frame, seed in questions():
        before = copy_of(clip)
        ask(subject.make(), clip, frame, seed)
        if changed := changed_field(before, clip):
            yield Complaint(changed, f"`{subject.name}.pick` changed `clip.{changed}`: work on a copy of it")


def pick_calls(subject: Subject) -> list[Call]:
    """Some of the test calls, each with fixed arguments."""
    return [("pick", partial(_ask, question=question)) for question in questions()[:: 2 * len(SEEDS)]]


def _ask(strategy: Any, question: tuple[Clip, int, int]) -> Any:
    seed_globally(1)
    return ask(strategy, *question)


Look = Callable[[Any, Clip, int], Iterable[Complaint]]


def every_pick(subject: Subject, look: Look, least: int = 1) -> Iterator[Complaint]:
    """Makes all test calls, and examines each answer with its clip and frame."""
    strategy = subject.make()
    for clip, frame, seed in questions(least):
        yield from look(ask(strategy, clip, frame, seed), clip, frame)
