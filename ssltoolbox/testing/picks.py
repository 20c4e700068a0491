"""Rules for what picks frames on the loader's workers: positive generators and negative samplers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ssltoolbox.api import Clip
from ssltoolbox.testing.material import clips
from ssltoolbox.testing.rules import Breach, Subject, changed_field, copy_of, rule, seed_globally

SEEDS = range(12)


def questions(least: int = 1) -> list[tuple[Clip, int, int]]:
    """Clip, frame and seed: ends and middles of clips of every sort."""
    return [
        (clip, frame, seed)
        for clip in clips(least)
        for frame in sorted({0, len(clip) // 2, len(clip) - 1})
        for seed in SEEDS
    ]


def ask(strategy: Any, clip: Clip, frame: int, seed: int) -> Any:
    """What the strategy picks, with a generator of that seed."""
    return strategy.pick(clip, frame, np.random.default_rng(seed))


def inside(subject: Subject, frame: Any, clip: Clip) -> None:
    """
    Raises:
        Breach: unless that is the number of a frame of the clip.
    """
    if not isinstance(frame, int | np.integer) or isinstance(frame, bool):
        raise Breach(f"`{subject.name}.pick` must give frame numbers, it gave {frame!r}")
    if not 0 <= frame < len(clip):
        raise Breach(
            f"`{subject.name}.pick` gave frame {frame} of a clip of {len(clip)} frames: "
            "stay between 0 and len(clip) - 1, and say that there is no answer where none fits"
        )


@rule("the same arguments, the same pick")
def pure(subject: Subject) -> None:
    asked = questions()
    strategy = subject.make()
    seed_globally(1)
    first = [ask(strategy, *question) for question in asked]
    seed_globally(2)
    elsewhere = [ask(subject.make(), *question) for question in asked]
    if first != elsewhere:
        raise Breach(
            f"`{subject.name}.pick` depends on something beside its arguments: draw from `rng`, never from "
            "`random`, `np.random` or torch"
        )
    seed_globally(1)
    again = [ask(strategy, *question) for question in reversed(asked)]
    if first != again[::-1]:
        raise Breach(
            f"`{subject.name}.pick` remembers earlier calls: give the same answer whenever it is asked, so "
            "that runs don't depend on the number of workers"
        )


@rule("clips are left as they are")
def clip_unchanged(subject: Subject) -> None:
    for clip, frame, seed in questions():
        before = copy_of(clip)
        ask(subject.make(), clip, frame, seed)
        if changed := changed_field(before, clip):
            raise Breach(f"`{subject.name}.pick` changed `clip.{changed}`: work on a copy of it")


def every_pick(subject: Subject, look: Callable[[Any, Clip, int], None], least: int = 1) -> None:
    """Has all questions answered, and each answer looked at with its clip and frame."""
    strategy = subject.make()
    for clip, frame, seed in questions(least):
        look(ask(strategy, clip, frame, seed), clip, frame)
