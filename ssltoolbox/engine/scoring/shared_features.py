"""Features computed by all processes of a run, each for its share of the images.

The first process evaluates the tasks. Whenever it needs features, it asks the others for their shares.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import numpy as np
from rich.console import Console
from torch import distributed, nn

from ssltoolbox.api import Dataset, Features, SslToolboxError
from ssltoolbox.api.errors import first_line
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor, features_of_networks

LONGEST_WAIT = timedelta(days=7)
"""How long a process waits for the first one, which may be fitting probes or fine-tuning."""

log = logging.getLogger(__name__)


class Ranks:
    """The processes of a run while it is evaluated. All of them make one, and call its methods, at the same time.

    Its methods raise an `SslToolboxError` when another process has stopped.
    """

    def __init__(self) -> None:
        self.rank, self.size = distributed.get_rank(), distributed.get_world_size()
        self._group: Any = distributed.new_group(backend="gloo", timeout=LONGEST_WAIT)

    def from_first(self, value: Any) -> Any:
        """The value of the first process."""
        values = [value]
        with _stops_explained():
            distributed.broadcast_object_list(values, src=0, group=self._group)
        return values[0]

    def to_first(self, value: Any) -> list[Any]:
        """The values of all processes on the first one; on the others empty."""
        values: list[Any] = [None] * self.size if self.rank == 0 else []
        with _stops_explained():
            distributed.gather_object(value, values or None, dst=0, group=self._group)
        return values

    def make_equal(self, *networks: nn.Module) -> None:
        """Gives networks the weights and buffers of the first process."""
        for network in networks:
            network.load_state_dict(self.from_first(network.state_dict() if self.rank == 0 else None))


@contextmanager
def _stops_explained() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise SslToolboxError(
            f"another process of the run has stopped, or has said why it fails: {first_line(error)}"
        ) from error


@dataclass(frozen=True, eq=False)
class _Request:
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
        request = _Request(number, networks, clip, frame)
        self._ranks.from_first(request)
        try:
            own = self._share(request, console)
        except Exception:
            self._ranks.to_first(None)
            raise
        shares = self._ranks.to_first(own)
        for rank, share in enumerate(shares):
            if isinstance(share, str):
                raise SslToolboxError(f"rank {rank} can't compute its share of the features: {share}")
        return [_joined(tables) for tables in zip(*shares, strict=True)]

    def serve(self) -> None:
        """Called by the other processes: computes shares until the first process is done, or is gone."""
        while (request := self._next()) is not None:
            try:
                share = self._share(request)
            except Exception as error:
                self._ranks.to_first(first_line(error))
                raise
            self._ranks.to_first(share)

    def _next(self) -> _Request | None:
        try:
            request: _Request | None = self._ranks.from_first(None)
        except SslToolboxError as error:
            log.info("the first process has ended: %s", error)
            return None
        return request

    def release(self) -> None:
        """Called by the first process: ends `serve` of the others, if they are still there."""
        with suppress(SslToolboxError):
            self._ranks.from_first(None)

    def _share(self, request: _Request, console: Console | None = None) -> list[Features]:
        """The features of this process's share: whole batches, so that they are those of one process."""
        size, ranks = self._extractors[0].batch_size, self._ranks
        batches = -(-len(request.clip) // size)
        first, end = (batches * rank // ranks.size * size for rank in (ranks.rank, ranks.rank + 1))
        clip, frame = request.clip[first:end], request.frame[first:end]
        log.info("features of %d of %d frames", len(clip), len(request.clip))
        extractors = [self._extractors[number] for number in request.networks]
        return features_of_networks(extractors, self._datasets[request.dataset], clip, frame, console)


@contextmanager
def computed_together(
    ranks: Ranks | None, tasks: Mapping[str, Task], extractors: Sequence[FeatureExtractor]
) -> Iterator[Callable[..., list[Features]]]:
    """`SharedFeatures` of the first process, which releases the others; `features_of_networks` without others."""
    if ranks is None:
        yield features_of_networks
        return
    shared = SharedFeatures(ranks, tasks, extractors)
    # After a KeyboardInterrupt the others may be in the middle of a share: they end when this process does.
    try:
        yield shared
    except Exception:
        shared.release()
        raise
    shared.release()


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
