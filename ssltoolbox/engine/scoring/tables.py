"""Feature tables of the networks that are evaluated on the same images."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ssltoolbox.api import Dataset, Features
from ssltoolbox.engine.core.features import FeatureExtractor, features_of_networks

MOST_KEPT = 100_000
"""Of more frames, one network's features are computed at a time, because tables that are kept need memory."""


class FeatureTables:
    """A feature table for each of several networks, which are evaluated one after the other.

    Each image is read once for all: what one network is asked for is computed for those after it as well, and
    kept until they are asked for it.

    Args:
        extractors: of the networks, in the order in which they are evaluated.
        compute: `features_of_networks`, or what gives the same.
    """

    def __init__(
        self,
        extractors: Sequence[FeatureExtractor],
        compute: Callable[..., list[Features]] = features_of_networks,
    ) -> None:
        self._extractors, self._compute = list(extractors), compute
        self._kept: list[dict[_Selection, tuple[Dataset, Features]]] = [{} for _ in extractors]

    def of(
        self,
        extractor: FeatureExtractor,
        dataset: Dataset,
        clip: np.ndarray,
        frame: np.ndarray,
        quiet: bool = False,
    ) -> Features:
        """The features of one network for the frames [n] with these numbers; see `features_of_networks`.

        Args:
            extractor: of that network.
            dataset: has the frames.
            clip, frame: [n] their numbers.
            quiet: True to show no progress.
        """
        number = self._extractors.index(extractor)
        selection = id(dataset), clip.tobytes(), frame.tobytes()
        if selection in self._kept[number]:
            return self._kept[number].pop(selection)[1]
        together = self._extractors[number:] if len(clip) <= MOST_KEPT else [extractor]
        console = None if quiet else extractor.console
        own, *later = self._compute(together, dataset, clip, frame, console)
        for kept, table in zip(self._kept[number + 1 :], later, strict=False):
            kept[selection] = dataset, table
        return own


_Selection = tuple[int, bytes, bytes]
"""Chosen frames: the dataset's id, and the numbers of clips and frames."""
