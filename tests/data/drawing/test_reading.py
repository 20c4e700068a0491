"""What a dataset gives is checked against its contract."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.data import NumberedFrames

from ssltoolbox.api import Frames, SslToolboxError, UnreadableFrame
from ssltoolbox.data.drawing.catalogue import SplitCatalogue
from ssltoolbox.data.drawing.reading import read_frames


class Changed(NumberedFrames):
    """Gives other frames than the contract says."""

    def __init__(self, **changes: Any) -> None:
        super().__init__([9])
        self.changes = changes

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        return replace(super().read(clips, frames), **self.changes)


@pytest.mark.parametrize(
    ("changes", "gave"),
    [
        ({"images": torch.zeros(2, 1, 4, 4, dtype=torch.uint8)}, r"torch.uint8 \[2, 1, 4, 4\] as images"),
        ({"images": torch.zeros(2, 3, 4, 4)}, r"torch.float32 \[2, 3, 4, 4\] as images"),
        ({"images": np.zeros((2, 3, 4, 4), np.uint8)}, r"numpy.uint8 \[2, 3, 4, 4\] as images"),
        ({"landmarks": torch.zeros(2, 5, 2)}, r"torch.float32 \[2, 5, 2\] as landmarks"),
        ({"labels": {"mood": [0, 1]}}, "list as label 'mood'"),
        ({"labels": {"mood": torch.zeros(3)}}, r"torch.float32 \[3\] as label 'mood'"),
    ],
)
def test_what_breaks_the_contract_is_named(changes: dict[str, Any], gave: str) -> None:
    with pytest.raises(SslToolboxError, match=rf"^Changed\.read gave {gave}"):
        read_frames(Changed(**changes), [0, 0], [1, 2])


class Raising(NumberedFrames):
    """Raises for a frame that can't be read."""

    def read(self, clips: Sequence[int], frames: Sequence[int]) -> Frames:
        if 2 in frames:
            raise UnreadableFrame("2.jpg: cut short")
        return super().read(clips, frames)


def test_a_dataset_may_raise_for_an_unreadable_frame() -> None:
    found = read_frames(Raising([9]), [0, 0, 0], [1, 2, 3])
    assert found.unreadable == {1: "2.jpg: cut short"}
    assert found.images[:, 1, 0, 0].tolist() == [1, 0, 3]
    assert found.labels["expression"].tolist() == [1, -1, 3]


def test_a_clip_names_its_person_by_a_number() -> None:
    class Named(NumberedFrames):
        def clip(self, index: int) -> Any:
            return replace(super().clip(index), identity="anna")

    class Tuples(NumberedFrames):
        def clip(self, index: int) -> Any:
            return (index, 0)

    with pytest.raises(SslToolboxError, match=r"Named\.clip gave the identity 'anna'"):
        SplitCatalogue(Named([9])).clip(0)
    with pytest.raises(SslToolboxError, match=r"Tuples\.clip gave tuple, not a Clip"):
        SplitCatalogue(Tuples([9])).clip(0)
