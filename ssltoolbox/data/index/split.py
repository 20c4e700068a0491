"""An index as a run uses it: opened for training, and the clips of a split."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from ssltoolbox.api import Split, UserError
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.splits import no_identity, split_of


def open_index(path: Path, fps: float | None) -> FrameIndex:
    """The index, its frames where it says that they are.

    Args:
        path: the index.
        fps: what a recipe says of its frame rate, if anything.

    Raises:
        DataNotFound: where the index or its frames are not there.
        UserError: where it can't be used, or was made for another frame rate.
    """
    index = FrameIndex(path)
    if fps is not None and not math.isclose(fps, index.header.fps, rel_tol=1e-3):
        raise UserError(
            f"{path}: this index was made for {index.header.fps:.4g} frames per second, and fps says {fps:.4g}",
            "leave fps out, or make the index again with --fps",
        )
    index.check_root()
    return index


def split_clips(index: FrameIndex, split: Split, *, val: float, test: float) -> np.ndarray:
    """[clips] int64 numbers of the split's clips, rising.

    Raises:
        UserError: where no identity falls to a split that is to have some.
    """
    chosen = np.array([split_of(name, val, test) == split for name in index.identity_names], dtype=bool)
    clips = np.flatnonzero(chosen[index.identities])
    if not len(clips):
        no_identity(index.path, len(index.identity_names), split, val=val, test=test)
    return clips
