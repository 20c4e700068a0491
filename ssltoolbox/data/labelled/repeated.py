"""Images that a set has more than once. Copies of training images make a result on test too good."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

from ssltoolbox.api import Split, UserError

if TYPE_CHECKING:
    import numpy as np

Repeated = Literal["keep", "leave_out"]
ORDER: tuple[Split, ...] = ("train", "val", "test")
COPY = "repeated image"
"""The name of an image that is left out, in counts."""


@runtime_checkable
class CountsCopies(Protocol):
    """Options of data whose images can be compared."""

    def copies(self) -> dict[Split, int]:
        """Split → the number of its images that are copies of earlier ones. Reads all files."""
        ...


def first_copies(contents: Sequence[Hashable], splits: np.ndarray) -> np.ndarray:
    """[n] bool: False for an image of val or test whose content an earlier image has.

    Train comes before val, and val before test; within a split, the order is that of the images.

    >>> import numpy as np
    >>> splits = np.array(["test", "test", "train", "train", "train"])
    >>> first_copies(["a", "b", "c", "a", "c"], splits).tolist()
    [False, True, True, True, True]

    Args:
        contents: of the n images; equal for copies.
        splits: [n] of str.
    """
    import numpy as np

    seen: set[Hashable] = set()
    first = np.ones(len(contents), bool)
    for split in ORDER:
        for row in np.flatnonzero(splits == split).tolist():
            first[row] = split == "train" or contents[row] not in seen
            seen.add(contents[row])
    return first


def refuse_nothing(split: Split, used: np.ndarray) -> None:
    """
    Args:
        used: [n] bool: which images of the split stay.

    Raises:
        UserError: where none of them does.
    """
    if len(used) and not used.any():
        raise UserError(f"all images of the {split} split are copies of earlier ones", "write repeated: keep")


def content_of(path: Path) -> Hashable:
    """Equal for files with the same bytes. A file that can't be read has no copies."""
    try:
        if not path.is_file():
            return path
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return path
