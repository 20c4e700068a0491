"""The sampler. It chooses frames of the same person that are far away in time."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Clip, NegativeSampler, Pick
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.change import change

ROUNDING = 1e-9
"""Relative slack of the gap, for times that are multiples of a frame's duration."""


class HardNeg(NegativeSampler[HardNegOptions]):
    """Distinct frames at least `gap` seconds from the anchor; with `changed`, those whose face changed most.

    With `other_clips`, an anchor without such frames gets frames of another clip of the person.
    """

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[int] | list[Pick]:
        options = self.options
        wanted = options.count if options.choose == "any" else max(options.candidates, options.count)
        frames = self._far_away(clip, anchor, wanted, rng)
        if len(frames) >= options.count or not options.other_clips:
            return self._chosen(clip, anchor, clip, frames)
        other = clip.another_of_person(rng)
        if other is None:
            return []
        frames = rng.permutation(len(other))[:wanted].tolist()
        return [Pick(frame, clip=other.index) for frame in self._chosen(clip, anchor, other, frames)]

    def _chosen(self, clip: Clip, anchor: int, of: Clip, frames: list[int]) -> list[int]:
        """`count` of these frames of a clip, by the option `choose`; all where there are fewer."""
        count = self.options.count
        if self.options.choose == "any" or len(frames) < count:
            return frames[:count]
        if clip.landmarks is None or of.landmarks is None:
            return frames[:count]
        most_changed = np.argsort(-change(clip.landmarks[anchor], of.landmarks[frames]), kind="stable")
        return [frames[index] for index in most_changed[:count]]

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
