"""The dataset. Its images are drawn when they are read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ssltoolbox.api import Clip, Frames, Split
from ssltoolbox_breathing_discs import FPS, FRAMES, SIZE, BreathingDiscsOptions


class BreathingDiscs:
    """Discs whose radius depends on the frame, and whose colour on the person.

    A dataset is copied to the loader's workers: keep it small, and open a file only when you read from it.
    """

    size = SIZE

    def __init__(self, options: BreathingDiscsOptions, split: Split) -> None:
        self.people = options.people
        self.first = ("train", "val", "test").index(split) * options.people

    def __len__(self) -> int:
        return self.people

    def clip(self, index: int) -> Clip:
        """The clip with that number."""
        return Clip(index, identity=self.first + index, times=np.arange(FRAMES) / FPS, name=f"disc {index}")

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        """The images of these clips and frames. An image that can't be read goes into `Frames.unreadable`."""
        position = torch.arange(SIZE) - (SIZE - 1) / 2
        radius = 6 + 4 * torch.sin(torch.tensor(frames) / 3)
        inside = (position[:, None].square() + position.square()) < radius.square()[:, None, None]
        colour = 60 + (37 * (self.first + torch.tensor(clips))[:, None] * torch.tensor([1, 3, 5])) % 190
        images = (inside[:, None] * colour[:, :, None, None]).to(torch.uint8)
        return Frames(images, landmarks=torch.full((len(clips), 68, 2), torch.nan))
