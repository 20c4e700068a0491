"""Schedules of the learning rate after the warm-up: plain arithmetic, free of torch."""

from __future__ import annotations

import math

from ssltoolbox.api import Options, ScheduleSetting
from ssltoolbox.optim.plugin import PolynomialOptions, StepOptions


class Constant:
    """The highest rate."""

    def __init__(self, options: Options, setting: ScheduleSetting) -> None:
        self.setting = setting

    def factor(self, step: int) -> float:
        """
        Examples:
            >>> Constant(Options(), ScheduleSetting(steps=8)).factor(5)
            1.0
        """
        return 1.0


class _Falling:
    """Falls from 1 to the final fraction."""

    def __init__(self, options: Options, setting: ScheduleSetting) -> None:
        self.options, self.setting = options, setting

    def factor(self, step: int) -> float:
        """What multiplies the highest rate."""
        progress = min(1.0, step / max(1, self.setting.steps))
        lowest = self.setting.final_lr_fraction
        return lowest + (1 - lowest) * self.left(progress)

    def left(self, progress: float) -> float:
        """What is left of the fall, from 1 to 0, at a progress from 0 to 1."""
        raise NotImplementedError


class Cosine(_Falling):
    """Half a cosine (Loshchilov & Hutter, SGDR, 2017, equation 5, without restarts).

    Examples:
        >>> schedule = Cosine(Options(), ScheduleSetting(steps=8))
        >>> [round(schedule.factor(step), 3) for step in (0, 4, 8)]
        [1.0, 0.5, 0.0]
    """

    def left(self, progress: float) -> float:
        """See `_Falling`."""
        return 0.5 * (1 + math.cos(math.pi * progress))


class Linear(_Falling):
    """A straight line.

    Examples:
        >>> Linear(Options(), ScheduleSetting(steps=8, final_lr_fraction=0.5)).factor(4)
        0.75
    """

    def left(self, progress: float) -> float:
        """See `_Falling`."""
        return 1 - progress


class Polynomial(_Falling):
    """A power of what is left.

    Examples:
        >>> Polynomial(PolynomialOptions(power=2.0), ScheduleSetting(steps=8)).factor(4)
        0.25
    """

    options: PolynomialOptions

    def left(self, progress: float) -> float:
        """See `_Falling`."""
        left: float = (1 - progress) ** self.options.power
        return left


class Step:
    """Falls by a factor at given steps.

    Examples:
        >>> schedule = Step(StepOptions(milestones=(0.5,), gamma=0.1), ScheduleSetting(steps=8))
        >>> schedule.factor(3), schedule.factor(4)
        (1.0, 0.1)
    """

    def __init__(self, options: StepOptions, setting: ScheduleSetting) -> None:
        self.options, self.setting = options, setting

    def factor(self, step: int) -> float:
        """What multiplies the highest rate."""
        passed = sum(step >= milestone * self.setting.steps for milestone in self.options.milestones)
        return float(self.options.gamma**passed)
