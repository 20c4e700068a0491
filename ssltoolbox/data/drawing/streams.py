"""Random numbers by name: each purpose has its own generator, independent of what was drawn before."""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.random.bit_generator import ISpawnableSeedSequence


def stream(name: str) -> np.random.Generator:
    """The generator of that name: a PCG64 seeded with the 256-bit BLAKE2b digest of the name.

    >>> [int(stream("seed 0, epoch 3").integers(100)) for _ in range(2)]
    [74, 74]
    """
    seeds: Any = _Digest(name.encode())  # numpy's annotations want its own SeedSequence, its code doesn't
    return np.random.Generator(np.random.PCG64(seeds))


class _Digest(ISpawnableSeedSequence):
    """Replaces numpy's SeedSequence, which is slower: a draw needs four streams or more."""

    def __init__(self, name: bytes) -> None:
        self._digest = blake2b(name, digest_size=32).digest()
        self._children = 0

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> np.ndarray:
        """The digest, which has the length of a PCG64's state."""
        return np.frombuffer(self._digest, dtype, n_words)

    def spawn(self, n_children: int) -> list[_Digest]:
        """Supports `Generator.spawn`, which a strategy may call; each call gives new children."""
        first, self._children = self._children, self._children + n_children
        return [_Digest(self._digest + b"%d" % child) for child in range(first, self._children)]
