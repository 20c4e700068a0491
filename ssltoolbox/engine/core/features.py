"""Features of a frozen backbone."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from ssltoolbox.api import Dataset, Features, Frames, View
from ssltoolbox.engine.core.reading import Fetched, Loader, leave_signals_to_the_main_process

NAMED = 3
"""Unreadable frames that are named in the log; the others are counted."""

log = logging.getLogger(__name__)


def compute_features(
    backbone: nn.Module,
    view: View,
    dataset: Dataset,
    *,
    max_frames: int,
    batch_size: int = 256,
    workers: int = 0,
    device: str | torch.device = "cpu",
) -> Features:
    """The backbone's features of a split, clip by clip, each in the order of time.

    The same arguments give the same features, whatever the number of workers. Frames that can't be read are
    left out, and named in the log. The backbone and the global random generators are afterwards as they were.

    Args:
        backbone: [B, 3, size, size] → [B, D], on `device`.
        max_frames: the most frames of the split, spread evenly: see `spread`.
        batch_size: images in one pass. It may change the last bits of a feature.
        workers: processes that read images; 0 reads in this one.
        device: where the images are resized, normalised and looked at.
    """
    clip, frame = spread(lengths_of(dataset), max_frames)
    return features_of(
        backbone, view, dataset, clip, frame, batch_size=batch_size, workers=workers, device=device
    )


def features_of(
    backbone: nn.Module,
    view: View,
    dataset: Dataset,
    clip: np.ndarray,
    frame: np.ndarray,
    *,
    batch_size: int = 256,
    workers: int = 0,
    device: str | torch.device = "cpu",
) -> Features:
    """As `compute_features`, of the frames [frames] at these places, in this order."""
    if not len(clip):
        return Features(values=np.zeros((0, 0), np.float32), clip=clip, identity=clip, time=np.zeros(0))
    with _frozen(backbone):
        parts = [
            _look(backbone, view, frames, device)
            for frames in read_frames(dataset, clip, frame, batch_size, workers)
        ]
    _report([note for part in parts for note in part.unreadable], len(clip))
    readable = np.concatenate([part.readable for part in parts])
    clip, frame = clip[readable], frame[readable]
    clips = {index: dataset.clip(index) for index in np.unique(clip).tolist()}
    return Features(
        values=np.concatenate([part.values for part in parts]),
        clip=clip,
        identity=np.array([clips[c].identity for c in clip.tolist()], np.int64),
        time=np.array([clips[c].times[f] for c, f in zip(clip.tolist(), frame, strict=True)], np.float64),
        labels={name: np.concatenate([part.labels[name] for part in parts]) for name in parts[0].labels},
    )


def read_frames(
    dataset: Dataset, clip: np.ndarray, frame: np.ndarray, batch_size: int, workers: int = 0
) -> Iterator[Frames]:
    """The images at these places [frames], in this order, `batch_size` at once, read by `workers` processes."""
    chunks = _Chunks(dataset, clip, frame, batch_size)
    yield from Loader(
        Fetched(chunks.read, len(chunks)),
        batch_size=None,
        num_workers=workers,
        worker_init_fn=leave_signals_to_the_main_process if workers else None,
        # Without a generator of its own a loader draws from torch's global one.
        generator=torch.Generator(),
    )


def lengths_of(dataset: Dataset) -> list[int]:
    """The frames of each clip."""
    return [len(dataset.clip(index)) for index in range(len(dataset))]


def spread(lengths: list[int], most: int) -> tuple[np.ndarray, np.ndarray]:
    """Clip and frame numbers [frames] of at most `most` frames, spread evenly.

    Each clip gives one frame and the same fraction of its others, from the middles of equal parts of it. With
    more clips than `most`, as many of them, spread evenly, give their middle frame.

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
    """[count] the positions in the middle of `count` equal parts of `length`."""
    return (2 * np.arange(count) + 1) * length // (2 * count)


class _Chunks:
    """Whole batches as a loader's items, so that a dataset reads them at once."""

    def __init__(self, dataset: Dataset, clip: np.ndarray, frame: np.ndarray, size: int) -> None:
        self.dataset, self.clip, self.frame, self.size = dataset, clip, frame, size

    def __len__(self) -> int:
        return -(-len(self.clip) // self.size)

    def read(self, number: int) -> Frames:
        part = slice(number * self.size, (number + 1) * self.size)
        return self.dataset.read(self.clip[part].tolist(), self.frame[part].tolist())


@dataclass(frozen=True, eq=False)
class _Part:
    """What came of one chunk: which images were readable, their values and labels, the others' faults."""

    readable: np.ndarray
    values: np.ndarray
    labels: Mapping[str, np.ndarray]
    unreadable: tuple[str, ...]


def _look(backbone: nn.Module, view: View, frames: Frames, device: str | torch.device) -> _Part:
    # Pixels of unreadable frames are looked at too, so that no pass is empty; what comes of them is dropped.
    # `forward`, because a network that is compiled for training would be compiled again for this.
    features: Tensor = backbone.forward(view.plain(frames.images.to(device)))
    readable = np.ones(len(frames.images), bool)
    readable[list(frames.unreadable)] = False
    return _Part(
        readable,
        features.float().cpu().numpy()[readable],
        {name: label.numpy()[readable] for name, label in frames.labels.items()},
        tuple(frames.unreadable.values()),
    )


@contextmanager
def _frozen(backbone: nn.Module) -> Iterator[None]:
    """Evaluation mode without gradients; afterwards every module is in the mode that it was in."""
    modes = [(module, module.training) for module in backbone.modules()]
    backbone.eval()
    try:
        # Not inference_mode: what a backbone caches in it could not be trained with afterwards.
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def _report(notes: list[str], frames: int) -> None:
    if notes:
        named = "; ".join(notes[:NAMED]) + ("; …" if len(notes) > NAMED else "")
        log.warning("%d of %d frames could not be read and were left out: %s", len(notes), frames, named)
