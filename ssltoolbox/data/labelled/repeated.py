"""Images that a set has more than once. Copies of training images make a result on test too good."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ssltoolbox.api import Split, UserError

if TYPE_CHECKING:
    import numpy as np

Repeated = Literal["keep", "leave_out"]
ORDER: tuple[Split, ...] = ("train", "val", "test")
COPY = "repeated image"
"""The name of an image that is left out, in counts."""


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

    Raises:
        UserError: where nothing of a split would be left.
    """
    import numpy as np

    seen: set[Hashable] = set()
    first = np.ones(len(contents), bool)
    for split in ORDER:
        rows = np.flatnonzero(splits == split)
        for row in rows.tolist():
            first[row] = split == "train" or contents[row] not in seen
            seen.add(contents[row])
        if len(rows) and not first[rows].any():
            raise UserError(
                f"all images of the {split} split are copies of earlier ones", "write repeated: keep"
            )
    return first


def content_of(path: Path) -> Hashable:
    """Equal for files with the same bytes. A file that can't be read has no copies."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "blake2b").digest()
    except OSError:
        return path
