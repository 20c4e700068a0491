"""Features of a frozen backbone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from rich.console import Console
from torch import Tensor, nn

from ssltoolbox.api import Dataset, Features, Frames, View
from ssltoolbox.data.drawing.reading import read_frames
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import shared_with, worker_count
from ssltoolbox.engine.core.kept_features import KeptFeatures, images_digest, kept_features
from ssltoolbox.engine.core.reading import Fetched, Loader
from ssltoolbox.engine.core.shared_memory import tensor_bytes, too_little, workers_with_room
from ssltoolbox.models.backbone import frozen
from ssltoolbox.models.devices import best_device, to_device
from ssltoolbox.support.progress import progress

CPU = torch.device("cpu")

_AHEAD = 2
"""Batches that each worker is ahead."""
NAMED = 3
"""The most unreadable frames that the log names."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class FeatureExtractor:
    """Computes features with a frozen network.

    The same arguments give the same features for any number of workers. The modes of the network and the global
    random generators are restored.

    Attributes:
        backbone: [B, 3, size, size] in channels-last memory → [B, D], on `device`.
        view: resizes and normalises the images, on `device`.
        device: computes the features.
        workers: processes that read images; 0 reads in this one.
        batch_size: images in one forward pass. It may change the last bits of a feature. More are slower on a CPU;
            benchmarks/RESULTS.md has the times.
        kept: features that were computed before, and where new ones are kept; None computes all.
        console: where progress is shown, if at all.
    """

    backbone: nn.Module
    view: View
    device: torch.device = CPU
    workers: int = 0
    batch_size: int = 128
    kept: KeptFeatures | None = None
    console: Console | None = None

    def of_split(self, dataset: Dataset, most: int) -> Features:
        """Features of at most `most` frames of a split, chosen by `spread`: clip by clip, in temporal order."""
        return self.of_frames(dataset, *spread(lengths_of(dataset), most))

    def of_frames(self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray) -> Features:
        """Features of the frames [n] with these numbers, in this order; see `features_of_networks`."""
        return features_of_networks([self], dataset, clip, frame, self.console)[0]

    def read(
        self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray, batch_size: int
    ) -> Iterator[Frames]:
        """The images of the frames [n] with these numbers, in this order, `batch_size` at once."""
        chunks = _Chunks(dataset, clip, frame, batch_size)
        workers = self._workers_with_room(chunks)
        yield from Loader(
            Fetched(chunks.read, len(chunks)),
            batch_size=None,
            num_workers=workers,
            prefetch_factor=_AHEAD if workers else None,
            # Without a generator of its own a loader draws from torch's global one.
            generator=torch.Generator(),
        )

    def _workers_with_room(self, chunks: _Chunks) -> int:
        if not self.workers or not len(chunks):
            return self.workers
        batch = min(chunks.size, len(chunks.clip)) * tensor_bytes(chunks.first())
        workers = workers_with_room(self.workers, batch, _AHEAD)
        if workers < self.workers:
            log.warning(too_little(self.workers, workers, batch))
        return workers

    def _features(self, images: Tensor) -> np.ndarray:
        """[B, 3, size, size] → [B, D] float32."""
        if not self.kept:
            return self._computed(images)
        batch = images_digest(images)
        found = self.kept.get(batch)
        if found is None:
            found = self._computed(images)
            self.kept.put(batch, found)
        return found

    def _computed(self, images: Tensor) -> np.ndarray:
        # `forward` avoids compiling again a network that is compiled for training.
        features: Tensor = self.backbone.forward(images.contiguous(memory_format=torch.channels_last))
        values: np.ndarray = features.float().cpu().numpy()
        return values


def features_of_networks(
    extractors: Sequence[FeatureExtractor],
    dataset: Dataset,
    clip: np.ndarray,
    frame: np.ndarray,
    console: Console | None = None,
) -> list[Features]:
    """The features of the frames [n] with these numbers, in this order, for each network.

    Each image is read once, by the first extractor. Frames that can't be read are left out; the log counts them,
    and names the first few.

    Args:
        extractors: of the networks; their views are the same.
        dataset: has the frames.
        clip, frame: [n] their numbers.
        console: shows progress.
    """
    if not len(clip):
        empty = Features(values=np.zeros((0, 0), np.float32), clip=clip, identity=clip, time=np.zeros(0))
        return [empty for _ in extractors]
    first = extractors[0]
    values = [_Values(len(clip)) for _ in extractors]
    batches = []
    with ExitStack() as stack, progress(console, len(clip)) as advance:
        for extractor in extractors:
            stack.enter_context(frozen(extractor.backbone))
        for frames in first.read(dataset, clip, frame, first.batch_size):
            # Unreadable frames pass through the network too, so that no batch is empty.
            batches.append(_facts_of(frames))
            images = first.view.plain(frames.images.to(first.device))
            for extractor, found in zip(extractors, values, strict=True):
                found.add(extractor._features(images)[batches[-1].readable])
            advance(len(frames.images))
    for extractor in extractors:
        if extractor.kept:
            extractor.kept.flush()
    warn_of_unreadable([note for batch in batches for note in batch.unreadable], len(clip))
    readable = np.concatenate([batch.readable for batch in batches])
    clip, frame = clip[readable], frame[readable]
    clips = {index: dataset.clip(index) for index in np.unique(clip).tolist()}
    facts = Features(
        values=np.zeros((len(clip), 0), np.float32),
        clip=clip,
        identity=np.array([clips[c].identity for c in clip.tolist()], np.int64),
        time=np.array([clips[c].times[f] for c, f in zip(clip.tolist(), frame, strict=True)], np.float64),
        labels={
            name: np.concatenate([batch.labels[name] for batch in batches]) for name in batches[0].labels
        },
    )
    return [replace(facts, values=found.all()) for found in values]


@contextmanager
def extractor_of(
    components: Components, backbone: nn.Module, console: Console | None = None, processes: int = 1
) -> Iterator[FeatureExtractor]:
    """An extractor on the best device of this machine, with the workers of the recipe's `trainer.workers`.

    While it is open, torch leaves the workers' cores free.

    Args:
        components: of the run.
        backbone: the network.
        console: shows progress.
        processes: the number of processes that share this process's cores.
    """
    device = best_device()
    workers = worker_count(components.plan, backbone, processes=processes)
    view, kept = to_device(components.view, device), kept_features(components.plan, backbone, device)
    with shared_with(workers, processes):
        backbone = backbone.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        yield FeatureExtractor(backbone, view, device, workers, kept=kept, console=console)


def lengths_of(dataset: Dataset) -> list[int]:
    """The frames of each clip."""
    return [len(dataset.clip(index)) for index in range(len(dataset))]


def spread(lengths: list[int], most: int) -> tuple[np.ndarray, np.ndarray]:
    """Clip and frame numbers [frames] of at most `most` frames, spread evenly.

    Each clip gives one frame, and the same fraction of its other frames: the middles of equal segments of the
    clip. If there are more than `most` clips, `most` evenly spread clips give their middle frame.

    >>> clip, frame = spread([1, 8], most=5)
    >>> clip.tolist(), frame.tolist()
    ([0, 1, 1, 1, 1], [0, 1, 3, 5, 7])
    """
    length = np.array(lengths, np.int64)
    clips = np.flatnonzero(length)
    if len(clips) > most:
        clips = clips[_middles(len(clips), most)]
    others = length[clips] - 1
    total = int(others.sum())
    count = 1 + others * min(most - len(clips), total) // max(total, 1)
    frames = [_middles(int(length[c]), int(n)) for c, n in zip(clips, count, strict=True)]
    return np.repeat(clips, count), np.concatenate([*frames, np.zeros(0, np.int64)])


def _middles(length: int, count: int) -> np.ndarray:
    """[count] the middles of `count` equal segments of `length`."""
    return (2 * np.arange(count) + 1) * length // (2 * count)


class _Chunks:
    """Batches as items of a loader, so that a dataset reads a batch in one call."""

    def __init__(self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray, size: int) -> None:
        self.dataset, self.clip, self.frame, self.size = dataset, clip, frame, size

    def __len__(self) -> int:
        return -(-len(self.clip) // self.size)

    def first(self) -> Frames:
        """One frame, of the size of all."""
        return read_frames(self.dataset, self.clip[:1].tolist(), self.frame[:1].tolist())

    def read(self, number: int) -> Frames:
        part = slice(number * self.size, (number + 1) * self.size)
        return read_frames(self.dataset, self.clip[part].tolist(), self.frame[part].tolist())


class _Values:
    """The features of all frames in one array, so that they are in memory once."""

    def __init__(self, frames: int) -> None:
        self._frames, self._filled = frames, 0
        self._values = np.empty((0, 0), np.float32)

    def add(self, features: np.ndarray) -> None:
        """Adds rows [n, D]."""
        if not self._values.size:
            self._values = np.empty((self._frames, features.shape[1]), np.float32)
        self._values[self._filled : self._filled + len(features)] = features
        self._filled += len(features)

    def all(self) -> np.ndarray:
        """[frames, D], without the room of frames that gave no row."""
        return self._values[: self._filled]


@dataclass(frozen=True, eq=False)
class _BatchFacts:
    """One batch: a mask of readable images, their labels, and the reasons for the others."""

    readable: np.ndarray
    labels: Mapping[str, np.ndarray]
    unreadable: tuple[str, ...]


def _facts_of(frames: Frames) -> _BatchFacts:
    readable = np.ones(len(frames.images), bool)
    readable[list(frames.unreadable)] = False
    labels = {name: label.numpy()[readable] for name, label in frames.labels.items()}
    return _BatchFacts(readable, labels, tuple(frames.unreadable.values()))


def warn_of_unreadable(notes: Sequence[str], frames: int) -> None:
    """Logs how many of so many frames could not be read, and the first of their reasons."""
    if notes:
        named = "; ".join(notes[:NAMED]) + ("; …" if len(notes) > NAMED else "")
        log.warning("%d of %d frames could not be read and were left out: %s", len(notes), frames, named)
