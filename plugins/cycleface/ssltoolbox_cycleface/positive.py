"""The positive is any frame of the clip."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Clip, Options, PositiveGenerator


class AnyFrame(PositiveGenerator[Options]):
    """A uniform frame of the clip; the anchor's own frame may be drawn too, as in the published code."""

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int:
        """See `PositiveGenerator`."""
        return int(rng.integers(len(clip)))
