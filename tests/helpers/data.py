"""A dataset whose images say which frame they are, and a view that changes nothing but the scale."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Clip, Frames


class NumberedFrames:
    """Images of one colour: red is the clip, green the frame.

    Args:
        lengths: frames of each clip.
        interval: seconds between frames.
        broken: (clip, frame) that can't be read.
    """

    size = 4

    def __init__(
        self, lengths: Sequence[int], interval: float = 0.24, broken: Sequence[tuple[int, int]] = ()
    ) -> None:
        self.lengths = list(lengths)
        self.interval = interval
        self.broken = set(broken)

    def __len__(self) -> int:
        return len(self.lengths)

    def clip(self, index: int) -> Clip:
        times = np.arange(self.lengths[index]) * self.interval
        return Clip(index, identity=index // 2, times=times, name=f"clip-{index}")

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        images = torch.zeros(len(clips), 3, self.size, self.size, dtype=torch.uint8)
        images[:, 0] = torch.tensor(clips)[:, None, None]
        images[:, 1] = torch.tensor(frames)[:, None, None]
        places = list(zip(clips, frames, strict=True))
        return Frames(
            images,
            torch.full((len(clips), 68, 2), torch.nan),
            {"expression": torch.tensor(frames) % 8},
            {i: f"clip-{c}/{f}.jpg: cut short" for i, (c, f) in enumerate(places) if (c, f) in self.broken},
        )


class PlainView:
    """Scales to 0 to 1."""

    def augment(self, images: Tensor, landmarks: Tensor, side: str) -> Tensor:
        raise AssertionError("features are computed without augmentation")

    def plain(self, images: Tensor) -> Tensor:
        return images / 255
