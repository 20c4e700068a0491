"""Assigns identities to splits."""

from __future__ import annotations

import os
from collections.abc import Iterable
from hashlib import blake2b

import numpy as np

from ssltoolbox.api import Split, UserError
from ssltoolbox.support.paths import printable

ENOUGH = 10
"""With so many people to train on, the val split must not be empty."""
VAL_SHARE = 0.1
"""The share of the published training data that becomes val, if no val split is published."""


def split_of(identity: str, val: float, test: float) -> Split:
    """The split of an identity, a pure function of its name.

    The hash of the name is a point in [0, 1), which is divided into `[test | val | train]`. So raising `val` does
    not change `test`.

    >>> split_of("A.J._Buckley", val=0.0, test=0.0)
    'train'
    """
    point = _point(identity)
    if point < test:
        return "test"
    return "val" if point < test + val else "train"


def part_of_train(name: str) -> Split:
    """`train` or `val` for published training data without a val split: a pure function of the name.

    >>> part_of_train("Aaron_Eckhart")
    'train'
    """
    return split_of(name, val=VAL_SHARE, test=0.0)


def _point(name: str) -> float:
    """The hash of a name, in [0, 1)."""
    digest = blake2b(os.fsencode(name), digest_size=8).digest()
    return int.from_bytes(digest, "big") / 2**64


def with_val(splits: np.ndarray, groups: Iterable[str], val: float, enough: int = ENOUGH) -> np.ndarray:
    """[n] splits of the data's own; where nothing is in val, a part of train is, by a hash of the groups [n].

    Of so many groups in train as are `enough`, at least one is val, however their hashes fall.
    """
    if "val" in splits or not val:
        return splits
    train = [group if split == "train" else None for group, split in zip(groups, splits, strict=True)]
    names = {group for group in train if group is not None}
    chosen = {name for name in names if split_of(name, val, 0.0) == "val"}
    if not chosen and len(names) >= enough:
        chosen = {min(names, key=_point)}
    return np.where([group in chosen for group in train], "val", splits)


def no_identity(
    source: str | os.PathLike[str], identities: int, split: Split, *, val: float, test: float
) -> None:
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
