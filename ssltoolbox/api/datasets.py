"""The contracts of datasets. A target is called with its options and a split: `Target(options, split)`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    import numpy as np

    from ssltoolbox.api.clips import Clip
    from ssltoolbox.api.tensors import Frames, Pairs

Split = Literal["train", "val", "test"]


@runtime_checkable
class Dataset(Protocol):
    """A source of clips. The target is called as `Target(options, split)`.

    It is copied to every loader worker: keep it small, and open a file only when you read from it.

    Examples:
        >>> import numpy as np, torch
        >>> from ssltoolbox.api import Clip, Frames, Options
        >>> class Grey:
        ...     size = 8
        ...     def __init__(self, options, split):
        ...         pass
        ...     def __len__(self):
        ...         return 2
        ...     def clip(self, index):
        ...         return Clip(index, identity=index, times=np.arange(10) / 25)
        ...     def read(self, clips, frames):
        ...         images = torch.tensor(frames, dtype=torch.uint8)[:, None, None, None].expand(-1, 3, 8, 8)
        ...         return Frames(images, landmarks=torch.full((len(frames), 68, 2), torch.nan))
        >>> data = Grey(Options(), "train")
        >>> isinstance(data, Dataset), data.read([0, 1, 1], [4, 0, 9]).images[:, 0, 0, 0].tolist()
        (True, [4, 0, 9])
    """

    size: int
    """Height and width of its images in pixels."""

    def __len__(self) -> int:
        """The number of clips in the split."""
        ...

    def clip(self, index: int) -> Clip:
        """The clip with that number."""
        ...

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images of these clips and frames: image i is frame `frames[i]` of clip `clips[i]`.

        The same arguments must give the same bytes. An image that can't be read goes into `Frames.unreadable`.
        """
        ...


@runtime_checkable
class LabelledDataset(Dataset, Protocol):
    """A dataset that knows labels without reading images, so that strategies can pick frames by label.

    Examples:
        >>> import numpy as np
        >>> class Diary:
        ...     def labels(self, index):
        ...         return {"smiles": np.array([0, 0, 1])}
        >>> Diary().labels(0)["smiles"].tolist()
        [0, 0, 1]
    """

    def labels(self, index: int) -> Mapping[str, np.ndarray]:
        """Label → [frames], the values of a clip: int64 classes with -1 for none, or floats with NaN for none."""
        ...


@runtime_checkable
class OrderedDataset(Dataset, Protocol):
    """A dataset that decides the order of the clips in an epoch. For other datasets, all clips are shuffled.

    Examples:
        >>> import numpy as np
        >>> class Shelves:
        ...     def order(self, rng):
        ...         return np.concatenate([4 * shelf + rng.permutation(4) for shelf in rng.permutation(2)])
        >>> sorted(Shelves().order(np.random.default_rng(0)).tolist())
        [0, 1, 2, 3, 4, 5, 6, 7]
    """

    def order(self, rng: np.random.Generator) -> np.ndarray:
        """[clips] int64: each clip once, in a random order that depends only on `rng`.

        The engine calls it for each epoch, in each process. A resumed run must get the same order again.
        """
        ...


@runtime_checkable
class PairedDataset(Dataset, Protocol):
    """A dataset with a list of pairs for face verification. Its options' facts have `DataFacts.pairs` set to True.

    Examples:
        >>> import numpy as np
        >>> from ssltoolbox.api import Pairs
        >>> class Album:
        ...     def pairs(self):
        ...         first, second = np.array([0, 0]), np.array([1, 2])
        ...         return Pairs(first, second, same=np.array([True, False]), fold=np.array([0, 1]))
        >>> len(Album().pairs())
        2
    """

    def pairs(self) -> Pairs:
        """The pairs of the split."""
        ...
