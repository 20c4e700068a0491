"""Assigns identities to splits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from ssltoolbox.api import Split, UserError
from ssltoolbox.support.paths import printable


def split_of(identity: str, val: float, test: float) -> Split:
    """The split of an identity, a pure function of its name.

    The hash of the name is a point in [0, 1), which is divided into `[test | val | train]`. So raising `val` does
    not change `test`.

    >>> split_of("A.J._Buckley", val=0.0, test=0.0)
    'train'
    """
    digest = blake2b(os.fsencode(identity), digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64
    if point < test:
        return "test"
    return "val" if point < test + val else "train"


def with_val(splits: np.ndarray, groups: Iterable[str], val: float) -> np.ndarray:
    """[n] splits of the data's own; where nothing is in val, a part of train is, by a hash of the groups [n]."""
    if "val" in splits:
        return splits
    parts = (split_of(group, val, 0.0) for group in groups)
    return np.array([part if split == "train" else split for split, part in zip(splits, parts, strict=True)])


def no_identity(source: os.PathLike[str], identities: int, split: Split, *, val: float, test: float) -> None:
    """Called if a split has no identity.

    Raises:
        UserError: if the split should have some.
    """
    share = {"train": 1 - val - test, "val": val, "test": test}[split]
    if share:
        raise UserError(
            f"{printable(source)}: none of {identities} identities falls to {split}, whose share is "
            f"{share:g}; they are assigned by a hash of their names: change val or test"
        )
