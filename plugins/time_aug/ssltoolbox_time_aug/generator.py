"""Draws an offset, then a direction, then the frame that lies there."""

from __future__ import annotations

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
        self._offsets = np.sort(np.asarray(options.offsets))
        self._cumulated = np.cumsum(weights[options.weighting]) / weights[options.weighting].sum()

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | None:
        which, direction = rng.random(2)
        offset = self._offsets[self._cumulated.searchsorted(which, side="right")]
        sides = [
            found
            for moment in (clip.times[frame] - offset, clip.times[frame] + offset)
            if (found := _frame_at(clip, moment)) is not None and found != frame
        ]
        return sides[int(direction * len(sides))] if sides else None


def _frame_at(clip: Clip, moment: float) -> int | None:
    """The frame nearest to a moment, if it is within half the usual time between frames."""
    place = int(clip.times.searchsorted(moment))
    before, after = max(place - 1, 0), min(place, len(clip) - 1)
    nearest = before if moment - clip.times[before] <= clip.times[after] - moment else after
    reach = 0.5 * clip.interval * (1 + ROUNDING)
    return nearest if abs(clip.times[nearest] - moment) <= reach else None
