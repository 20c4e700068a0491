"""Features computed by all processes of a run, each for its share of the images."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from rich.console import Console

from ssltoolbox.api import Dataset, Features
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor, features_of_networks
from ssltoolbox.engine.scoring.ranks import Ranks

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FeatureRequest:
    """The numbers of a dataset and of networks, and of the frames [n]."""

    dataset: int
    networks: Sequence[int]
    clip: np.ndarray
    frame: np.ndarray


class SharedFeatures:
    """`features_of_networks` with all processes: the same features, in the same batches.

    Args:
        ranks: the processes.
        tasks: have the datasets; features of other datasets are computed by the first process alone.
        extractors: of all networks, in the same order on all processes.
    """

    def __init__(
        self, ranks: Ranks, tasks: Mapping[str, Task], extractors: Sequence[FeatureExtractor]
    ) -> None:
        self._ranks, self._extractors = ranks, list(extractors)
        folds = [splits for task in tasks.values() for splits in task.folds]
        self._datasets = [splits[split] for splits in folds for split in splits]

    def __call__(
        self,
        extractors: Sequence[FeatureExtractor],
        dataset: Dataset,
        clip: np.ndarray,
        frame: np.ndarray,
        console: Console | None = None,
    ) -> list[Features]:
        """Called by the first process.

        Raises:
            SslToolboxError: when another process has failed or stopped.
        """
        number = next((n for n, known in enumerate(self._datasets) if known is dataset), None)
        if number is None:
            return features_of_networks(extractors, dataset, clip, frame, console)
        networks = [self._extractors.index(extractor) for extractor in extractors]
        request = FeatureRequest(number, networks, clip, frame)
        shares = self._ranks.share(request, partial(self.share, console=console), "features")
        return [_joined(tables) for tables in zip(*shares, strict=True)]

    def share(self, request: FeatureRequest, console: Console | None = None) -> list[Features]:
        """The features of this process's share: whole batches, so that they are those of one process."""
        size, ranks = self._extractors[0].batch_size, self._ranks
        batches = -(-len(request.clip) // size)
        first, end = (batches * rank // ranks.size * size for rank in (ranks.rank, ranks.rank + 1))
        clip, frame = request.clip[first:end], request.frame[first:end]
        log.info("features of %d of %d frames", len(clip), len(request.clip))
        extractors = [self._extractors[number] for number in request.networks]
        return features_of_networks(extractors, self._datasets[request.dataset], clip, frame, console)


def _joined(shares: Sequence[Features]) -> Features:
    """The features of all shares in order; shares without frames have no labels."""
    some = [share for share in shares if share.values.shape[1]] or shares[:1]
    return Features(
        values=np.concatenate([share.values for share in some]),
        clip=np.concatenate([share.clip for share in some]),
        identity=np.concatenate([share.identity for share in some]),
        time=np.concatenate([share.time for share in some]),
        labels={label: np.concatenate([share.labels[label] for share in some]) for label in some[0].labels},
    )
