from collections.abc import Callable

import numpy as np
import pytest

from ssltoolbox.api import Features

MakeFeatures = Callable[..., Features]


@pytest.fixture
def make_features() -> MakeFeatures:
    """Makes features of `identities` people with `clips` clips each.

    The first 8 dimensions know the expression as far as `expression` says, the next 8 the person as far as
    `person` does; beyond that all is noise.
    """

    def make(
        seed: int,
        *,
        expression: float = 0.0,
        person: float = 0.0,
        identities: int = 10,
        clips: int = 2,
        frames: int = 20,
    ) -> Features:
        rng = np.random.default_rng(seed)
        total = identities * clips * frames
        clip = np.arange(total) // frames
        identity = 100 * seed + clip // clips
        shown = rng.integers(8, size=total)
        values = rng.normal(size=(total, 20))
        values[np.arange(total), shown] += expression
        values[:, 8:16] += person * rng.normal(size=(identities, 8))[clip // clips]
        return Features(
            values=values.astype(np.float32),
            clip=clip,
            identity=identity,
            time=np.arange(total) % frames * 0.24,
            labels={
                "expression": shown,
                "valence": (shown / 7 * 1.6 - 0.8).astype(np.float32),
                "arousal": np.cos(shown).astype(np.float32),
            },
        )

    return make
