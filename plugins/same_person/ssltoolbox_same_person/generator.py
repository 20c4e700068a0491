"""The generator. It chooses another clip of the person, then a frame of it."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Clip, Pick, PositiveGenerator
from ssltoolbox_same_person import SamePersonOptions


class SamePerson(PositiveGenerator[SamePersonOptions]):
    """The positive is a frame of another clip of the person. If there is none, the option `alone` decides."""

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | Pick | None:
        other = clip.another_of_person(rng)
        if other is not None:
            return Pick(int(rng.integers(len(other))), clip=other.index)
        return _another_frame(clip, frame, rng) if self.options.alone == "clip" else None


def _another_frame(clip: Clip, frame: int, rng: np.random.Generator) -> int:
    """A random frame other than the given one; in a clip of one frame, the given one."""
    if len(clip) == 1:
        return frame
    drawn = int(rng.integers(len(clip) - 1))
    return drawn + (drawn >= frame)
