"""What a task is given that needs the network: a tiny one, and single images of people with labels and pairs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import EXPRESSIONS, Clip, Dataset, EvaluationContext, Features, Frames, Pairs, Side, Split
from ssltoolbox.testing import material
from ssltoolbox.testing.method_context import FEATURES, context

PEOPLE, OF_EACH, OF_FOLD, SIZE = 12, 4, 3, 16
SPLITS: tuple[Split, ...] = ("train", "val", "test")


class LabelledFaces:
    """Images of people, each a clip of one frame. See `ssltoolbox.api.PairedDataset`."""

    size = SIZE

    def __init__(self, seed: int, labelled: bool) -> None:
        self.images = material.images(len(self), SIZE, seed)
        self.labelled = labelled

    def __len__(self) -> int:
        return PEOPLE * OF_EACH

    def clip(self, index: int) -> Clip:
        return Clip(index, index // OF_EACH, np.zeros(1))

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        chosen = torch.as_tensor(np.asarray(clips), dtype=torch.int64)
        share = chosen / len(self)
        labels = {"expression": chosen % len(EXPRESSIONS), "valence": 2 * share - 1, "arousal": 1 - 2 * share}
        nowhere = torch.full((len(chosen), 68, 2), torch.nan)
        return Frames(self.images[chosen], nowhere, labels if self.labelled else {})

    def pairs(self) -> Pairs:
        person = np.arange(PEOPLE)
        same = np.repeat([True, False], PEOPLE)
        other = person // OF_FOLD * OF_FOLD + (person + 1) % OF_FOLD
        first = OF_EACH * np.tile(person, 2)
        second = OF_EACH * np.concatenate([person, other]) + 1
        return Pairs(first, second, same, fold=np.tile(person // OF_FOLD, 2))


class PlainView:
    """Scales to -1 to 1. See `ssltoolbox.api.View`."""

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        return self.plain(images)

    def plain(self, images: Tensor) -> Tensor:
        return images / 127.5 - 1


def evaluation_context(labelled: bool = True) -> EvaluationContext:
    """A context around a small convolutional network, always the same."""
    torch.manual_seed(0)
    backbone, frozen = (context().backbone for _ in range(2))
    frozen.load_state_dict(backbone.state_dict())
    view = PlainView()
    datasets: dict[Split, Dataset] = {
        split: LabelledFaces(seed, labelled) for seed, split in enumerate(SPLITS)
    }

    def places(split: Split) -> tuple[np.ndarray, np.ndarray]:
        clips = np.arange(len(datasets[split]))
        return clips, np.zeros_like(clips)

    def read(dataset: Dataset, clips: np.ndarray, frames: np.ndarray, size: int) -> Iterator[Frames]:
        for start in range(0, len(clips), size):
            yield dataset.read(clips[start : start + size].tolist(), frames[start : start + size].tolist())

    @torch.no_grad()
    def features(dataset: Dataset, clips: np.ndarray, frames: np.ndarray) -> Features:
        found = dataset.read(clips.tolist(), frames.tolist())
        return Features(
            values=frozen.eval()(view.plain(found.images)).numpy(),
            clip=clips,
            identity=clips // OF_EACH,
            time=np.zeros(len(clips)),
            labels={name: values.numpy() for name, values in found.labels.items()},
        )

    device = torch.device("cpu")
    return EvaluationContext(backbone, FEATURES, view, datasets, places, read, features, device, seed=0)
