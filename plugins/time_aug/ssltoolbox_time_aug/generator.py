"""The generator. It chooses an offset, then a direction, then the frame there."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from ssltoolbox.api import Clip, PositiveGenerator
from ssltoolbox_time_aug import TimeAugOptions

ROUNDING = 1e-6
"""Relative slack, for moments half-way between two frames."""


class TimeAug(PositiveGenerator[TimeAugOptions]):
    """The positive is a frame at a random offset before or after the given frame.

    A side fits if the clip has another frame there, within half of `Clip.interval`. If both sides fit, they are
    equally likely. If one side fits, it is taken. If none fits, there is no positive.
    """

    def __init__(self, options: TimeAugOptions) -> None:
        super().__init__(options)
        ranks = np.arange(1, len(options.offsets) + 1)
        weights = {"decreasing": ranks[::-1], "uniform": np.ones_like(ranks), "increasing": ranks}
        # Plain Python numbers: numpy is slow on single values, and this runs at least twice in every draw.
        self._offsets = sorted(options.offsets)
        self._cumulated = (np.cumsum(weights[options.weighting]) / weights[options.weighting].sum()).tolist()

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | None:
        which, direction = rng.random(2).tolist()
        offset, time = self._offsets[bisect_right(self._cumulated, which)], clip.times.item(frame)
        sides = [
            found
            for moment in (time - offset, time + offset)
            if (found := _frame_at(clip, moment)) is not None and found != frame
        ]
        return sides[int(direction * len(sides))] if sides else None


def _frame_at(clip: Clip, moment: float) -> int | None:
    """The frame nearest to a moment in seconds, if it is within half of `Clip.interval`."""
    times, index = clip.times, int(clip.times.searchsorted(moment))
    before, after = index - 1 if index else 0, index if index < len(times) else index - 1
    since, until = moment - times.item(before), times.item(after) - moment
    nearest, distance = (before, since) if since <= until else (after, until)
    return nearest if abs(distance) <= 0.5 * clip.interval * (1 + ROUNDING) else None
