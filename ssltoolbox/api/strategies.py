"""The contracts of strategies that pick or change frames. A target is called as `Target(options)`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Generic, TypeVar

from ssltoolbox.api.options import Options

if TYPE_CHECKING:
    import numpy as np

    from ssltoolbox.api.clips import Clip, Pick
    from ssltoolbox.api.tensors import Batch

OptionsT = TypeVar("OptionsT", bound=Options)


class PositiveGenerator(Generic[OptionsT]):
    """A strategy that makes the positive of an instance, by choosing another frame, changing pixels, or both.

    Generators run in the order of the recipe; each gets the result of the one before.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Clip
        >>> class Next(PositiveGenerator[Options]):
        ...     def pick(self, clip, frame, rng):
        ...         return frame + 1 if frame + 1 < len(clip) else None
        >>> clip = Clip(index=0, identity=0, times=np.arange(5) / 25)
        >>> [Next(Options()).pick(clip, frame, np.random.default_rng(0)) for frame in (0, 4)]
        [1, None]
    """

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | Pick | None:
        """The positive of `frame`: a frame of the clip, a `Pick` from another clip, or None if there is none.

        It runs on the loader's workers. The result must depend only on the arguments. By default, it is `frame`.
        """
        return frame

    def render(self, batch: Batch) -> Batch:
        """A batch in which the pixels of positives, and their landmarks, are changed.

        It runs on the device, or, if that is a CPU, on the loader's workers. It gets the whole batch, and takes
        random numbers from torch's global generator. It must not change its input, and must not keep state. By
        default, it returns its input.
        """
        return batch


class NegativeSampler(Generic[OptionsT]):
    """A strategy that chooses hard negatives for an anchor, from its own clip or from clips of `clip.catalogue`.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Clip, NegativeSamplerOptions
        >>> class Others(NegativeSampler[NegativeSamplerOptions]):
        ...     def pick(self, clip, anchor, rng):
        ...         others = [frame for frame in range(len(clip)) if frame != anchor]
        ...         return rng.permutation(others)[: self.options.count].tolist()
        >>> clip = Clip(index=0, identity=0, times=np.arange(3) / 25)
        >>> sorted(Others(NegativeSamplerOptions(count=2)).pick(clip, 1, np.random.default_rng(0)))
        [0, 2]
    """

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> Sequence[int | Pick]:
        """`options.count` frames of the clip, or `Pick`s from other clips. Fewer mean that there is no answer, and
        the engine tries another anchor.

        It runs on the loader's workers. The result must depend only on the arguments.
        """
        raise NotImplementedError
