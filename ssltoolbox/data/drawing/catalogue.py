"""The catalogue of a split, for picks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from ssltoolbox.api import Clip, Dataset, LabelledDataset, SslToolboxError
from ssltoolbox.support.words import described


class SplitCatalogue:
    """A dataset's clips by number and by person; see `ssltoolbox.api.Catalogue`.

    The identities of all clips come from the dataset's `identities`, if it has that attribute, and are sorted
    once.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset

    def __len__(self) -> int:
        return len(self._dataset)

    @cached_property
    def identities(self) -> np.ndarray:
        """[clips] int64."""
        known = getattr(self._dataset, "identities", None)
        if known is None:
            known = [self._dataset.clip(index).identity for index in range(len(self))]
        return np.asarray(known, np.int64)

    def clip(self, index: int) -> Clip:
        """The clip of that number; its `catalogue` is this one.

        Raises:
            SslToolboxError: when the dataset gives no `Clip`, or one whose person is not a number.
        """
        clip = self._dataset.clip(index)
        where = f"{type(self._dataset).__name__}.clip"
        if not isinstance(clip, Clip):
            raise SslToolboxError(f"{where} gave {described(clip)}, not a Clip")
        if not isinstance(clip.identity, int | np.integer):
            raise SslToolboxError(
                f"{where} gave the identity {clip.identity!r:.60}, not the number of a person"
            )
        return clip.within(self)

    def of_identity(self, identity: int) -> np.ndarray:
        """[n] int64 clip numbers, rising."""
        order, people = self._by_identity
        first, last = np.searchsorted(people, [identity, identity + 1])
        return order[first:last]

    def labels(self, index: int) -> Mapping[str, np.ndarray]:
        """Label → [frames], if the dataset knows labels without reading images."""
        if not isinstance(self._dataset, LabelledDataset):
            return {}
        return self._dataset.labels(index)

    @cached_property
    def _by_identity(self) -> tuple[np.ndarray, np.ndarray]:
        """[clips] clip numbers sorted by person, and their people."""
        order = np.argsort(self.identities, kind="stable")
        return order, self.identities[order]
