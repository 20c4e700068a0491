"""Draws a side, then frames of that side that are far enough away."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Clip, NegativeSampler
from ssltoolbox_hard_neg import HardNegOptions

ROUNDING = 1e-9
"""Relative slack of the gap, for times that are multiples of a frame's duration."""


class HardNeg(NegativeSampler[HardNegOptions]):
    """Distinct frames at least `gap` seconds from the anchor.

    Each is uniform over what is left on the chosen side; the side is a coin's toss where both have one left.
    """

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[int]:
        gap = self.options.gap * (1 - ROUNDING)
        before = np.searchsorted(clip.times, clip.times[anchor] - gap, side="right")
        after = np.searchsorted(clip.times, clip.times[anchor] + gap, side="left")
        sides = [list(range(before)), list(range(after, len(clip)))]
        picked: list[int] = []
        while len(picked) < self.options.count and any(sides):
            open_sides = [side for side in sides if side]
            side = open_sides[int(rng.integers(len(open_sides)))]
            picked.append(side.pop(int(rng.integers(len(side)))))
        return picked
