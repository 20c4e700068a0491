"""Which identities are held out."""

from __future__ import annotations

import os
from hashlib import blake2b

from ssltoolbox.api import Split


def split_of(identity: str, val: float, test: float) -> Split:
    """The split of an identity: a pure function of its name, whoever else is there.

    The name's hash is a point in [0, 1): `[test | val | train]`. So raising `val` leaves `test` as it was.

    >>> split_of("A.J._Buckley", val=0.0, test=0.0)
    'train'
    """
    digest = blake2b(os.fsencode(identity), digest_size=8).digest()
    point = int.from_bytes(digest, "big") / 2**64
    if point < test:
        return "test"
    return "val" if point < test + val else "train"
