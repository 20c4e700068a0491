"""The sampler. It chooses frames of the same clip that are far away in time."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Clip, NegativeSampler
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.change import change

ROUNDING = 1e-9
"""Relative slack of the gap, for times that are multiples of a frame's duration."""


class HardNeg(NegativeSampler[HardNegOptions]):
    """Distinct frames at least `gap` seconds from the anchor; with `changed`, those whose face changed most."""

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[int]:
        options = self.options
        if options.choose == "any":
            return self._far_away(clip, anchor, options.count, rng)
        frames = self._far_away(clip, anchor, max(options.candidates, options.count), rng)
        if clip.landmarks is None or len(frames) < options.count:
            return frames[: options.count]
        most_changed = np.argsort(-change(clip.landmarks, anchor, frames), kind="stable")
        return [frames[index] for index in most_changed[: options.count]]

    def _far_away(self, clip: Clip, anchor: int, count: int, rng: np.random.Generator) -> list[int]:
        """At most `count` distinct frames beyond the gap.

        It first chooses a side, before or after the anchor, equally likely if both have a frame left. Then it
        chooses a frame of that side, all equally likely.
        """
        gap = self.options.gap * (1 - ROUNDING)
        before = clip.times.searchsorted(clip.times[anchor] - gap, side="right")
        after = clip.times.searchsorted(clip.times[anchor] + gap, side="left")
        sides = [list(range(before)), list(range(after, len(clip)))]
        picked: list[int] = []
        while len(picked) < count and any(sides):
            open_sides = [side for side in sides if side]
            side = open_sides[int(rng.integers(len(open_sides)))]
            picked.append(side.pop(int(rng.integers(len(side)))))
        return picked
