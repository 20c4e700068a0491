"""What picks may look at besides their own clip, and what they may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np

    from ssltoolbox.api.tensors import Clip


class Catalogue(Protocol):
    """All clips of a split, read-only. A strategy's `pick` finds it as `clip.catalogue`.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Clip, NegativeSampler, NegativeSamplerOptions, Pick
        >>> class SomebodyElse(NegativeSampler[NegativeSamplerOptions]):
        ...     def pick(self, clip, anchor, rng):
        ...         others = np.flatnonzero(clip.catalogue.identities != clip.identity)
        ...         return [Pick(clip=int(rng.choice(others)), frame=0)]
    """

    @property
    def identities(self) -> np.ndarray:
        """[clips] int64: the person of each clip."""
        ...

    def __len__(self) -> int:
        """The number of clips."""
        ...

    def clip(self, index: int) -> Clip:
        """The clip of that number, with its times and landmarks."""
        ...

    def of_identity(self, identity: int) -> np.ndarray:
        """[n] int64: the numbers of a person's clips, rising."""
        ...

    def labels(self, index: int) -> Mapping[str, np.ndarray]:
        """Label → [frames] of a clip, as `Frames.labels` has it.

        Empty for a dataset that knows labels only once it has read the images.
        """
        ...


@dataclass(frozen=True)
class Pick:
    """A frame that a strategy picked, where a plain frame number does not say enough.

    Attributes:
        frame: the frame's number within its clip.
        clip: the clip's number; None for the clip that was asked about.
        found: numbers that the pick found out, by name; `render` sees them as `Batch.found`.
    """

    frame: int
    clip: int | None = None
    found: Mapping[str, float] = field(default_factory=dict)
