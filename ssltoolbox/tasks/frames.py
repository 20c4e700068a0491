"""The labelled frames of a split, for tasks that use images instead of features."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Dataset, EvaluationContext, Features, Frames, Split, View
from ssltoolbox.tasks.samples import SPLITS, has_label, usable

READ_AT_ONCE = 256


@dataclass(frozen=True, eq=False)
class LabelledFrames:
    """Readable frames with a label.

    Attributes:
        split: their split.
        clip, frame: [n] clip and frame numbers.
        identity: [n] their identities.
        targets: [n], or [n, labels] for several labels.
        unlabelled: how many more could be read and have no label.
    """

    split: Split
    clip: np.ndarray
    frame: np.ndarray
    identity: np.ndarray
    targets: np.ndarray
    unlabelled: int = 0

    def __len__(self) -> int:
        return len(self.targets)

    def times(self, dataset: Dataset) -> np.ndarray:
        """[n] seconds within the clips of their split."""
        pairs = zip(self.clip.tolist(), self.frame.tolist(), strict=True)
        return np.array([dataset.clip(clip).times[frame] for clip, frame in pairs], np.float64)


def labelled_frames(
    context: EvaluationContext, labels: Sequence[str], task: str
) -> dict[Split, LabelledFrames]:
    """The frames of each split that have all of the labels.

    Every image is read once for this. So training has no unreadable images, and the classes are counted before it
    begins.

    Raises:
        UserError: for a split that is missing or empty, without the label, or without a single labelled frame.
    """
    return {split: _labelled(context, split, labels, task) for split in SPLITS}


def in_batches(
    context: EvaluationContext, frames: LabelledFrames, order: np.ndarray, size: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Images [B, 3, S, S] uint8 and targets [B, …], on the context's device.

    Args:
        context: reads the images.
        frames: of one split.
        order: [n] which frames to read, and in which order.
        size: the most images in a batch, B.
    """
    dataset, seen = context.datasets[frames.split], 0
    for batch in context.read(dataset, frames.clip[order], frames.frame[order], size):
        rows = order[seen : seen + len(batch.images)]
        seen += len(rows)
        targets = torch.from_numpy(frames.targets[rows])
        yield batch.images.to(context.device), targets.to(context.device)


def augmented(view: View, images: Tensor) -> Tensor:
    """[B, 3, S, S] uint8 → [B, 3, size, size], augmented as side A.

    Without landmarks, no view covers the mouth or the eyes.
    """
    nowhere = torch.full((len(images), 68, 2), torch.nan, device=images.device)
    return view.augment(images, nowhere, "a")


def _labelled(context: EvaluationContext, split: Split, labels: Sequence[str], task: str) -> LabelledFrames:
    frame, found = _read(context, split)
    usable({split: found}, split, task)
    known = np.logical_and.reduce([has_label(found, split, label, task) for label in labels])
    targets = np.stack([found.labels[label][known] for label in labels], axis=1)
    return LabelledFrames(
        split=split,
        clip=found.clip[known],
        frame=frame[known],
        identity=found.identity[known],
        targets=targets[:, 0] if len(labels) == 1 else targets,
        unlabelled=int((~known).sum()),
    )


def _read(context: EvaluationContext, split: Split) -> tuple[np.ndarray, Features]:
    """The numbers [n] of the readable frames, and their clips, identities and labels as `Features`."""
    dataset = context.datasets[split]
    clip, frame = context.frames(split)
    batches = [(batch.labels, _readable(batch)) for batch in context.read(dataset, clip, frame, READ_AT_ONCE)]
    kept = np.concatenate([readable for _, readable in batches]) if batches else np.zeros(0, bool)
    clip, frame = clip[kept], frame[kept]
    return frame, Features(
        values=np.zeros((len(clip), 0), np.float32),
        clip=clip,
        identity=np.array([dataset.clip(int(c)).identity for c in clip], np.int64),
        time=frame.astype(np.float64),
        labels={
            name: np.concatenate([labels[name].numpy()[readable] for labels, readable in batches])
            for name in (batches[0][0] if batches else ())
        },
    )


def _readable(batch: Frames) -> np.ndarray:
    readable = np.ones(len(batch.images), bool)
    readable[list(batch.unreadable)] = False
    return readable
