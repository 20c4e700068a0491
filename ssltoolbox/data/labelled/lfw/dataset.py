"""LFW's faces, and which pairs of them show one person."""

from __future__ import annotations

import numpy as np

from ssltoolbox.api import Pairs, Split
from ssltoolbox.data.images.files import read_extent
from ssltoolbox.data.labelled.options import LFWOptions
from ssltoolbox.data.labelled.stills import Still, Stills, read_box


class LFW(Stills):
    """Follows `ssltoolbox.api.PairedDataset`."""

    def __init__(self, options: LFWOptions, split: Split) -> None:
        """
        Raises:
            DataNotFound, UserError: see `list_lfw`.
        """
        self.size = options.size
        self._crop = options.crop
        self._listing = options.listing(split)
        numbers = {name: number for number, name in enumerate(sorted(set(self._listing.people)))}
        self._identities = np.array([numbers[name] for name in self._listing.people])

    def __len__(self) -> int:
        return len(self._listing.images)

    def name(self, index: int) -> str:
        """Its path below the folder."""
        return self._listing.images[index]

    def identity(self, index: int) -> int:
        """The person's index among the people of the split, sorted by name."""
        return int(self._identities[index])

    def still(self, index: int) -> Still:
        """The middle of the image."""
        path = str(self._listing.folder / self._listing.images[index])
        width, height = read_extent(path)
        kept = self._crop * width, self._crop * height
        box = (width - kept[0]) / 2, (height - kept[1]) / 2, *kept
        return Still(read_box(path, box, self.size)[0])

    def pairs(self) -> Pairs:
        """The pairs of the split's list."""
        position = {image: index for index, image in enumerate(self._listing.images)}
        pairs = self._listing.pairs
        return Pairs(
            first=np.array([position[pair.first] for pair in pairs], np.int64),
            second=np.array([position[pair.second] for pair in pairs], np.int64),
            same=np.array([pair.same for pair in pairs], bool),
            fold=np.array([pair.fold for pair in pairs], np.int64),
        )
