"""The contracts of the three kinds of strategy. A target is called with its options: `Target(options)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from ssltoolbox.api.options import Options

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from ssltoolbox.api.clips import Clip
    from ssltoolbox.api.tensors import Batch, Rows

OptionsT = TypeVar("OptionsT", bound=Options)


class PositiveGenerator(Generic[OptionsT]):
    """A strategy that makes the positive of an instance, by choosing another frame, changing pixels, or both.

    Generators act in the order of the recipe, each on what the one before it made.

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

    def pick(self, clip: Clip, frame: int, rng: np.random.Generator) -> int | None:
        """The positive's frame for the instance at `frame`, or None where there is none.

        Runs on the loader's workers. The answer may depend on the arguments alone.
        """
        return frame

    def render(self, batch: Batch) -> Batch:
        """The batch with the pixels of its positives (and their landmarks) changed.

        Runs on the device, on the whole batch, with torch's global generator; where that is a CPU, on the loader's
        workers. Must not change its input, nor keep anything.
        """
        return batch


class NegativeSampler(Generic[OptionsT]):
    """A strategy that draws hard negatives for an anchor from the anchor's own clip.

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

    def pick(self, clip: Clip, anchor: int, rng: np.random.Generator) -> list[int]:
        """`options.count` frames of the clip; fewer mean that the anchor has no answer.

        Runs on the loader's workers. The answer may depend on the arguments alone.
        """
        raise NotImplementedError


class NegativeMasker(Generic[OptionsT]):
    """A strategy that tells which candidates are false negatives.

    `attract` is the weight of the second term of the loss, which draws a row to what was masked for it;
    0 only takes what was masked out of the denominator.

    Examples:
        >>> import torch
        >>> from ssltoolbox.api import Rows
        >>> class SameLight(NegativeMasker[Options]):
        ...     def describe(self, batch):
        ...         return batch.frames.flatten(0, 1).float().mean(dim=(1, 2, 3))[:, None]
        ...     def mask(self, anchors, candidates, eligible):
        ...         return eligible & (torch.cdist(anchors.descriptor, candidates.descriptor) < 5)
        >>> ids = torch.arange(3)
        >>> rows = Rows(ids, ids, ids, ids.double(), descriptor=torch.tensor([[10.0], [90.0], [12.0]]))
        >>> SameLight(Options()).mask(rows, rows, eligible=ids[:, None] != ids).int().tolist()
        [[0, 0, 1], [0, 0, 0], [1, 0, 0]]
    """

    attract: float = 0.0

    def __init__(self, options: OptionsT) -> None:
        self.options = options

    def describe(self, batch: Batch) -> Tensor:
        """[N·R, F] descriptors of the frames as drawn, draw-major; NaN rows where there is no opinion.

        Runs on the device without gradient, before `render`; where that is a CPU, on the loader's workers. So
        `mask` knows nothing of it but the descriptors.
        """
        raise NotImplementedError

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        """[A, C] bool: True where candidate c is a false negative for anchor a.

        `eligible` [A, C] says which pairs may be masked; what lies outside of it is ignored.
        """
        raise NotImplementedError
