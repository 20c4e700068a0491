"""Rules for schedules of the learning rate."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from ssltoolbox.api import ScheduleSetting
from ssltoolbox.testing.rules import Breach, Complaint, Subject, rule

LENGTHS = (0, 1, 2, 97, 1000)
"""Lengths in steps of the runs to test."""
FINAL = 0.1


def setting_for(subject: Subject, steps: int = LENGTHS[-1]) -> ScheduleSetting:
    """The setting of a run with that many steps after the warm-up."""
    ends = "final_lr_fraction" in subject.card.uses
    return ScheduleSetting(steps, steps_per_epoch=10, final_lr_fraction=FINAL if ends else 0.0)


@rule("the factor is finite and at least 0")
def finite(subject: Subject) -> Iterator[Complaint]:
    for steps in LENGTHS:
        schedule = subject.make(setting_for(subject, steps))
        # Lightning asks for the rate after the last step, too.
        for step in range(steps + 2):
            factor = schedule.factor(step)
            if not isinstance(factor, int | float) or not 0 <= factor < math.inf:
                yield Complaint(
                    f"{steps} steps",
                    f"`{subject.name}.factor({step})` returns {factor!r} in a run of {steps} steps: return a "
                    "finite number of at least 0 for every step, and for the one after the last",
                )
                break


@rule("the rate is not always 0")
def moves(subject: Subject) -> None:
    schedule = subject.make(setting_for(subject))
    if not any(schedule.factor(step) > 0 for step in range(LENGTHS[-1])):
        raise Breach(f"`{subject.name}.factor` is 0 at every step, so nothing is trained")


@rule("the factor depends only on the step")
def pure(subject: Subject) -> None:
    steps = range(LENGTHS[-1])
    first, second = (subject.make(setting_for(subject)) for _ in range(2))
    forward = [first.factor(step) for step in steps]
    backward = [second.factor(step) for step in reversed(steps)]
    if forward != backward[::-1]:
        raise Breach(
            f"`{subject.name}.factor` depends on earlier calls: compute it only from `step`, or a resumed run "
            "continues differently"
        )


@rule("it ends at the final rate", lambda subject: "final_lr_fraction" in subject.card.uses)
def ends(subject: Subject) -> None:
    last = subject.make(setting_for(subject)).factor(LENGTHS[-1])
    if not math.isclose(last, FINAL, rel_tol=1e-6):
        raise Breach(
            f"`{subject.name}` declares that it uses `final_lr_fraction`, but ends at {last:g} instead of "
            f"{FINAL}"
        )


def make(subject: Subject) -> Any:
    """The schedule of a run."""
    return subject.make(setting_for(subject))


RULES = (finite, moves, pure, ends)
