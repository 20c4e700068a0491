"""Feature tables of networks that are evaluated one after the other: each image is read once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from helpers.data import NumberedFrames, PlainView
from torch import nn

from ssltoolbox.engine.core.features import FeatureExtractor
from ssltoolbox.engine.scoring.tables import FeatureTables


class Counted(NumberedFrames):
    """Counts how often it is read."""

    reads = 0

    def read(self, clips: Any, frames: Any) -> Any:
        self.reads += 1
        return super().read(clips, frames)


def extractors(count: int) -> list[FeatureExtractor]:
    """Of networks that all differ."""
    torch.manual_seed(0)
    networks = [nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(12, 4)) for _ in range(count)]
    return [FeatureExtractor(network, PlainView()) for network in networks]


CLIP, FRAME = np.array([0, 0, 1]), np.array([0, 1, 2])
FEW = slice(1, 3)


def test_images_are_read_once_for_all_networks() -> None:
    dataset, asked = Counted([2, 3]), extractors(3)
    tables = FeatureTables(asked)
    found = []
    for extractor in asked:
        whole, few = (tables.of(extractor, dataset, CLIP[part], FRAME[part]) for part in (slice(None), FEW))
        found.append(whole.values)
        np.testing.assert_array_equal(few.time, whole.time[FEW])
    assert dataset.reads == 2
    for extractor, values in zip(asked, found, strict=True):
        np.testing.assert_array_equal(values, extractor.of_frames(dataset, CLIP, FRAME).values)


def test_tables_of_other_data_with_the_same_numbers_are_their_own() -> None:
    first, second = extractors(2)
    tables, one, two = FeatureTables([first, second]), Counted([2, 3]), Counted([2, 3], broken=[(0, 1)])
    tables.of(first, one, CLIP, FRAME)
    tables.of(first, two, CLIP, FRAME)
    assert len(tables.of(second, two, CLIP, FRAME)) == 2
    assert len(tables.of(second, one, CLIP, FRAME)) == 3


def test_of_very_many_frames_no_table_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ssltoolbox.engine.scoring.tables.MOST_KEPT", 2)
    dataset, asked = Counted([2, 3]), extractors(2)
    tables = FeatureTables(asked)
    first, second = (tables.of(extractor, dataset, CLIP, FRAME).values for extractor in asked)
    assert dataset.reads == 2
    assert not np.array_equal(first, second)
