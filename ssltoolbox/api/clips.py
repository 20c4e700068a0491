"""What strategies see of the data: a clip, the catalogue of a split, and a pick."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, eq=False)
class Clip:
    """A sequence of frames of one person, as strategies see it when they pick frames.

    Attributes:
        index: the clip's number within its dataset.
        identity: the number of the person.
        times: [frames] seconds, strictly increasing, not necessarily regular.
        name: the clip's name in messages.
        load_landmarks: returns [frames, 68, 2] pixels, NaN where a frame has none; None for a clip without
            landmarks.
        catalogue: all clips of the split. The engine sets it for a strategy's `pick`.
    """

    index: int
    identity: int
    times: np.ndarray
    name: str = ""
    load_landmarks: Callable[[], np.ndarray] | None = field(default=None, repr=False)
    catalogue: Catalogue | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.times)

    def within(self, catalogue: Catalogue) -> Clip:
        """A copy of this clip, with the catalogue of its split."""
        return replace(self, catalogue=catalogue)

    def another_of_person(self, rng: np.random.Generator) -> Clip | None:
        """A random other clip of the same person; None if there is none, or no catalogue."""
        if self.catalogue is None:
            return None
        clips = self.catalogue.of_identity(self.identity)
        others = clips[clips != self.index]
        return self.catalogue.clip(int(others[rng.integers(len(others))])) if len(others) else None

    @cached_property
    def interval(self) -> float:
        """The median time between two successive frames, in seconds; 0 for a clip of one frame."""
        if len(self) < 2:
            return 0.0
        # By hand: every draw needs this, and np.median is slow on short arrays.
        gaps = self.times[1:] - self.times[:-1]
        gaps.sort()
        return float(gaps[(len(gaps) - 1) // 2] + gaps[len(gaps) // 2]) / 2

    @cached_property
    def landmarks(self) -> np.ndarray | None:
        """[frames, 68, 2] pixels, NaN where a frame has none; None for a clip without any."""
        return self.load_landmarks() if self.load_landmarks else None


class Catalogue(Protocol):
    """All clips of a split, read-only. In a strategy's `pick`, it is `clip.catalogue`.

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
        """The clip with that number, with its times and landmarks."""
        ...

    def of_identity(self, identity: int) -> np.ndarray:
        """[n] int64: the numbers of a person's clips, in ascending order."""
        ...

    def labels(self, index: int) -> Mapping[str, np.ndarray]:
        """Label → [frames], the values of a clip, as in `Frames.labels`.

        Empty unless the dataset is a `LabelledDataset`.
        """
        ...


@dataclass(frozen=True)
class Pick:
    """A frame that a strategy picks, if the frame number alone is not enough.

    Attributes:
        frame: the frame's number within its clip.
        clip: the clip's number; None for the clip that was passed to `pick`.
        found: name → a number that `render` needs; it reads these numbers from `Batch.found`.
    """

    frame: int
    clip: int | None = None
    found: Mapping[str, float] = field(default_factory=dict)
