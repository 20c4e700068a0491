"""Tiny images whose labels are easy to see, and a small network, for tasks that train."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ssltoolbox.api import Clip, EvaluationContext, Frames, Split
from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.scoring.tasks import TaskData


class Squares:
    """Single images, one for each label, whose brightness in a quarter and a colour tells the class."""

    size = 8

    def __init__(self, labels: list[int], broken: tuple[int, ...] = ()) -> None:
        self.labels, self.broken = torch.tensor(labels), broken

    def __len__(self) -> int:
        return len(self.labels)

    def clip(self, index: int) -> Clip:
        return Clip(index, identity=index // 2, times=np.zeros(1))

    def read(self, clips: list[int], frames: list[int]) -> Frames:
        labels = self.labels[clips]
        noise = torch.Generator().manual_seed(int(sum(clips)))
        images = torch.randint(60, (len(clips), 3, 8, 8), dtype=torch.uint8, generator=noise)
        for image, label in zip(images, labels.clamp(min=0).tolist(), strict=True):
            image[label % 3, 4 * (label // 6) :, 4 * (label // 3 % 2) :] += 150
        return Frames(
            images,
            torch.full((len(clips), 68, 2), torch.nan),
            {
                "expression": labels,
                "valence": torch.where(labels < 0, torch.nan, labels / 7 * 2 - 1),
                "arousal": torch.where(labels < 0, torch.nan, 1 - labels / 7 * 2),
            },
            {place: "cut short" for place, clip in enumerate(clips) if int(clip) in self.broken},
        )


class Plain:
    """Counts how often it augments."""

    augmented = 0

    def augment(self, images: Tensor, landmarks: Tensor, side: str) -> Tensor:
        assert landmarks.isnan().all()
        self.augmented += len(images)
        return self.plain(images)

    def plain(self, images: Tensor) -> Tensor:
        return images.float() / 127.5 - 1


def small_net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 12, 4, 4), nn.BatchNorm2d(12), nn.ReLU(), nn.Flatten())


def context(view: Plain | None = None, seed: int = 0, **splits: Squares) -> EvaluationContext:
    given: dict[Split, Any] = {split: Squares(list(range(8)) * 6) for split in ("train", "val", "test")}
    return TaskData(FeatureExtractor(small_net(), view or Plain()), given | splits).context(seed)
