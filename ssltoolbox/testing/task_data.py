"""Test data of downstream tasks: features and images, of the author's data or made up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import (
    Clip,
    Dataset,
    EvaluationContext,
    EvaluatorOptions,
    Features,
    Frames,
    Pairs,
    Side,
    Split,
)
from ssltoolbox.models.lightning import fit_on_cpu
from ssltoolbox.testing import material
from ssltoolbox.testing.labels import check_labels, made_up, needed_labels
from ssltoolbox.testing.material import SPLITS
from ssltoolbox.testing.networks import Network, network_for
from ssltoolbox.testing.rules import Subject, WrongInput
from ssltoolbox.testing.surroundings import AuthorData

PEOPLE, OF_EACH, OF_FOLD, SIZE = 12, 4, 3, 16
MOST_FRAMES, AT_ONCE = 240, 32
"""Number of frames from a split of the author's data, spread evenly; and how many are read at once."""


class MadeUpFaces:
    """Images of people, each a clip of one frame. See `ssltoolbox.api.PairedDataset`."""

    size = SIZE

    def __init__(self, seed: int, names: Sequence[str]) -> None:
        self.images = material.images(len(self), SIZE, seed)
        self.names = names

    def __len__(self) -> int:
        return PEOPLE * OF_EACH

    def clip(self, index: int) -> Clip:
        return Clip(index, index // OF_EACH, np.zeros(1))

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        chosen = torch.as_tensor(np.asarray(clips), dtype=torch.int64)
        share = torch.arange(len(self)) / len(self)
        affect = {"valence": 2 * share - 1, "arousal": 1 - 2 * share}
        labels = {**made_up(len(self), self.names), **affect}
        nowhere = torch.full((len(chosen), 68, 2), torch.nan)
        return Frames(self.images[chosen], nowhere, {name: values[chosen] for name, values in labels.items()})

    def pairs(self) -> Pairs:
        person = np.arange(PEOPLE)
        same = np.repeat([True, False], PEOPLE)
        other = person // OF_FOLD * OF_FOLD + (person + 1) % OF_FOLD
        first = OF_EACH * np.tile(person, 2)
        second = OF_EACH * np.concatenate([person, other]) + 1
        return Pairs(first, second, same, fold=np.tile(person // OF_FOLD, 2))


class Unlabelled:
    """A dataset that lacks some of its labels."""

    def __init__(self, dataset: Dataset, lacking: Set[str]) -> None:
        self.dataset, self.lacking, self.size = dataset, lacking, dataset.size

    def __len__(self) -> int:
        return len(self.dataset)

    def clip(self, index: int) -> Clip:
        return self.dataset.clip(index)

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        found = self.dataset.read(clips, frames)
        return replace(found, labels=_without(found.labels, self.lacking))


@dataclass(frozen=True)
class PlainView:
    """Resizes and scales to -1 to 1. See `ssltoolbox.api.View`."""

    size: int

    def augment(self, images: Tensor, landmarks: Tensor, side: Side) -> Tensor:
        return self.plain(images)

    def plain(self, images: Tensor) -> Tensor:
        scaled = images.float() / 127.5 - 1
        return scaled if images.shape[-1] == self.size else F.interpolate(scaled, (self.size, self.size))


class TrialData:
    """The splits for the test of a task.

    Args:
        subject: the task.
        lacking: the labels that the data lacks.

    Raises:
        WrongInput: where the author's data lacks a label that the task needs.
    """

    def __init__(self, subject: Subject, lacking: Set[str] = frozenset()) -> None:
        self._subject, self._lacking = subject, lacking
        self._own = subject.around.data_of(subject.kind, subject.card.name)
        if self._own:
            check_labels(subject, self._own)

    def features(self) -> dict[Split, Features]:
        """Split → features, in new arrays each time."""
        if self._own:
            network = network_for(self._subject)
            return {
                split: _features(network, dataset, *_spread(dataset))
                for split, dataset in self._splits().items()
            }
        given = material.features(needed_labels(self._subject))
        return {
            split: replace(one, labels=_without(one.labels, self._lacking)) for split, one in given.items()
        }

    def context(self) -> EvaluationContext:
        """The context of a task that needs the network; the backbone has fixed initial weights."""
        network, frozen = network_for(self._subject), network_for(self._subject)
        splits = self._splits()
        return EvaluationContext(
            backbone=network.backbone,
            feature_dim=network.dim,
            view=PlainView(network.size),
            datasets=splits,
            frames=lambda split: _spread(splits[split]),
            read=_read,
            features=lambda dataset, clips, frames: _features(frozen, dataset, clips, frames),
            device=torch.device("cpu"),
            seed=0,
            fit=fit_on_cpu,
        )

    def _splits(self) -> dict[Split, Dataset]:
        splits: dict[Split, Dataset]
        if self._own:
            splits = self._own_splits(self._own)
        else:
            names = needed_labels(self._subject)
            splits = {split: MadeUpFaces(seed, names) for seed, split in enumerate(SPLITS)}
        if not self._lacking:
            return splits
        return {split: Unlabelled(dataset, self._lacking) for split, dataset in splits.items()}

    def _own_splits(self, own: AuthorData) -> dict[Split, Dataset]:
        """The splits of the author's data that have clips.

        Raises:
            WrongInput: where a split that the task needs has none.
        """
        splits = {split: own.split(split) for split in SPLITS}
        options = self._subject.options
        needed = (isinstance(options, EvaluatorOptions) and options.splits) or SPLITS
        if empty := [split for split in needed if not len(splits[split])]:
            raise WrongInput(
                f"the {empty[0]} split of dataset {own.chosen.key!r} has no clips",
                "choose the data's options so that it has some",
            )
        return {split: dataset for split, dataset in splits.items() if len(dataset)}


def _without(labels: Mapping[str, Any], lacking: Set[str]) -> dict[str, Any]:
    return {name: values for name, values in labels.items() if name not in lacking}


def _spread(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Clip and frame numbers of some frames."""
    clips = np.unique(np.linspace(0, len(dataset) - 1, min(len(dataset), MOST_FRAMES)).astype(np.int64))
    each = max(1, MOST_FRAMES // max(1, len(clips)))
    chosen = [
        (clip, frame)
        for clip in clips.tolist()
        for frame in np.unique(np.linspace(0, len(dataset.clip(clip)) - 1, each).astype(np.int64)).tolist()
    ]
    numbers = np.array(chosen, np.int64).reshape(-1, 2)
    return numbers[:, 0], numbers[:, 1]


def _read(dataset: Dataset, clips: np.ndarray, frames: np.ndarray, size: int) -> Iterator[Frames]:
    for start in range(0, len(clips), size):
        yield dataset.read(clips[start : start + size].tolist(), frames[start : start + size].tolist())


@torch.no_grad()
def _features(network: Network, dataset: Dataset, clips: np.ndarray, frames: np.ndarray) -> Features:
    view, backbone = PlainView(network.size), network.backbone.eval()
    values, labels, readable = [], [], []
    for found in _read(dataset, clips, frames, AT_ONCE):
        kept = torch.tensor(
            [position not in found.unreadable for position in range(len(found.images))], dtype=torch.bool
        )
        values.append(backbone(view.plain(found.images))[kept])
        labels.append({name: of[kept] for name, of in found.labels.items()})
        readable.append(kept)
    readable_rows = torch.cat(readable).numpy()
    own = [dataset.clip(int(clip)) for clip in clips[readable_rows]]
    return Features(
        values=torch.cat(values).numpy(),
        clip=clips[readable_rows],
        identity=np.array([clip.identity for clip in own], np.int64),
        time=np.array([clip.times[frame] for clip, frame in zip(own, frames[readable_rows], strict=True)]),
        labels={name: torch.cat([part[name] for part in labels]).numpy() for name in labels[0]},
    )
