"""Draws an offset, then a direction, then the frame that lies there."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from ssltoolbox.api import Clip, PositiveGenerator
from ssltoolbox_time_aug import TimeAugOptions

ROUNDING = 1e-6
"""Relative slack, for moments half-way between two frames."""


class TimeAug(PositiveGenerator[TimeAugOptions]):
    """The positive lies a drawn offset before or after the frame.

    The direction is a coin's toss where both sides fit, else the side that fits; where none does there is no
    answer. A side fits where the clip has a frame, other than the given one, near the moment sought: within
    half the usual time between two frames.
    """

    def __init__(self, options: TimeAugOptions) -> None:
        super().__init__(options)
        ranks = np.arange(1, len(options.offsets) + 1)
        weights = {"decreasing": ranks[::-1], "uniform": np.ones_like(ranks), "increasing": ranks}
        # Plain numbers: with single ones numpy is slow, and this runs twice or more in every draw.
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
    """The frame nearest to a moment, if it is within half the usual time between frames."""
    times, place = clip.times, int(clip.times.searchsorted(moment))
    before, after = place - 1 if place else 0, place if place < len(times) else place - 1
    since, until = moment - times.item(before), times.item(after) - moment
    nearest, distance = (before, since) if since <= until else (after, until)
    return nearest if abs(distance) <= 0.5 * clip.interval * (1 + ROUNDING) else None
