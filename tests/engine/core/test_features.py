import logging
import re
from io import StringIO
from typing import Any

import numpy as np
import pytest
import torch
from helpers.data import NumberedFrames, PlainView
from helpers.golden import Golden
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from torch import Tensor, nn

from ssltoolbox.api import Features
from ssltoolbox.engine.core.features import FeatureExtractor, features_of_networks, spread


class MeanColour(nn.Module):
    """The mean of each channel, times 255, through everything whose output depends on the mode it is in."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, eps=1e-30)
        self.drop = nn.Dropout(0.5)

    def forward(self, images: Tensor) -> Tensor:
        features: Tensor = self.drop(self.norm(images)).mean(dim=(2, 3)) * 255
        return features


def compute(
    dataset: NumberedFrames, backbone: nn.Module | None = None, most: int = 1000, **options: Any
) -> Features:
    return FeatureExtractor(backbone or MeanColour(), PlainView(), **options).of_split(dataset, most)


@pytest.mark.parametrize("batch_size", [1, 3, 256])
def test_each_row_of_features_belongs_to_its_clip_and_time(batch_size: int) -> None:
    found = compute(NumberedFrames([2, 3, 1]), batch_size=batch_size)
    np.testing.assert_allclose(found.values[:, 0], [0, 0, 1, 1, 1, 2], atol=1e-4)
    np.testing.assert_allclose(found.values[:, 1], [0, 1, 0, 1, 2, 0], atol=1e-4)
    assert found.clip.tolist() == [0, 0, 1, 1, 1, 2]
    assert found.identity.tolist() == [0, 0, 0, 0, 0, 1]
    assert found.time.tolist() == [0, 0.24, 0, 0.24, 0.48, 0]
    assert found.labels["expression"].tolist() == [0, 1, 0, 1, 2, 0]
    dtypes = (found.values.dtype, found.clip.dtype, found.identity.dtype, found.time.dtype)
    assert dtypes == (np.float32, np.int64, np.int64, np.float64)


def test_a_terminal_shows_how_many_frames_are_done() -> None:
    console = Console(file=StringIO(), force_terminal=True, width=60, color_system=None)
    compute(NumberedFrames([5, 3]), batch_size=4, console=console)
    assert isinstance(console.file, StringIO)
    shown = console.file.getvalue()
    assert "frames" in shown
    assert "8/8" in shown


def test_the_number_of_workers_does_not_change_the_result() -> None:
    dataset = NumberedFrames([20, 30, 10], broken=[(1, 3)])
    alone, shared = (compute(dataset, most=25, batch_size=4, workers=workers) for workers in (0, 2))
    for name in ("values", "clip", "identity", "time"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(shared, name))
    np.testing.assert_array_equal(alone.labels["expression"], shared.labels["expression"])


def test_images_are_read_once_for_two_networks() -> None:
    dataset, reads = NumberedFrames([2, 3, 1], broken=[(1, 1)]), []
    doubled = nn.Sequential(MeanColour(), nn.Linear(3, 2))
    alone = compute(dataset), compute(dataset, doubled)
    clip, frame = spread([2, 3, 1], 1000)
    read = dataset.read
    dataset.read = lambda *numbers: reads.append(1) or read(*numbers)  # type: ignore[method-assign, func-returns-value]
    extractors = [FeatureExtractor(network, PlainView()) for network in (MeanColour(), doubled)]
    both = features_of_networks(extractors, dataset, clip, frame)
    assert len(reads) == 1
    for one, two in zip(alone, both, strict=True):
        for name in ("values", "clip", "identity", "time"):
            np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
        assert one.labels["expression"].tolist() == two.labels["expression"].tolist()


def test_the_backbone_and_the_global_generators_stay_as_they_were() -> None:
    backbone = nn.Sequential(MeanColour(), nn.Linear(3, 2))
    backbone[0].norm.eval()
    before = {name: value.clone() for name, value in backbone.state_dict().items()}
    modes = [module.training for module in backbone.modules()]
    torch_state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    compute(NumberedFrames([5]), backbone)
    compute(NumberedFrames([5]), backbone, workers=1)
    assert [module.training for module in backbone.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in backbone.state_dict().items())
    assert all(parameter.grad is None for parameter in backbone.parameters())
    assert torch.equal(torch.get_rng_state(), torch_state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


def test_the_mode_is_restored_after_a_failure() -> None:
    class Failing(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            raise RuntimeError("out of memory")

    backbone = Failing()
    with pytest.raises(RuntimeError, match="out of memory"):
        compute(NumberedFrames([5]), backbone)
    assert backbone.training


def test_what_a_backbone_caches_can_be_trained_with_afterwards() -> None:
    class Caching(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))
            self.cache: Tensor | None = None

        def forward(self, images: Tensor) -> Tensor:
            if self.cache is None:
                self.cache = torch.ones(3)
            return images.mean(dim=(2, 3)) * self.scale * self.cache

    backbone = Caching()
    compute(NumberedFrames([5]), backbone)
    backbone(torch.ones(1, 3, 4, 4)).sum().backward()
    assert backbone.scale.grad == 3


def test_half_precision_backbones_give_float32() -> None:
    class Half(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return images.mean(dim=(2, 3)).bfloat16()

    assert compute(NumberedFrames([5]), Half()).values.dtype == np.float32


def test_unreadable_frames_are_left_out_and_named(caplog: pytest.LogCaptureFixture) -> None:
    dataset = NumberedFrames([3, 2], broken=[(0, 1), (1, 0), (1, 1)])
    with caplog.at_level(logging.WARNING):
        found = compute(dataset, batch_size=2)
    assert found.clip.tolist() == [0, 0]
    assert found.time.tolist() == [0, 0.48]
    assert found.labels["expression"].tolist() == [0, 2]
    np.testing.assert_allclose(found.values[:, 1], [0, 2], atol=1e-4)
    (message,) = caplog.messages
    assert "3 of 5 frames" in message
    assert re.findall(r"clip-\d/\d", message) == ["clip-0/1", "clip-1/0", "clip-1/1"]


def test_of_many_unreadable_frames_three_are_named(caplog: pytest.LogCaptureFixture, golden: Golden) -> None:
    with caplog.at_level(logging.WARNING):
        found = compute(NumberedFrames([4], broken=[(0, f) for f in range(4)]))
    assert len(found) == 0
    assert found.labels["expression"].tolist() == []
    (message,) = caplog.messages
    golden(message)


@pytest.mark.parametrize("lengths", [[], [0, 0]])
def test_a_split_without_frames_gives_no_features(lengths: list[int]) -> None:
    found = compute(NumberedFrames(lengths))
    assert (len(found), len(found.clip), len(found.identity), len(found.time)) == (0, 0, 0, 0)


@given(st.lists(st.integers(0, 60), max_size=20), st.integers(1, 200))
def test_frames_are_spread_evenly(lengths: list[int], most: int) -> None:
    clip, frame = spread(lengths, most)
    filled = sum(length > 0 for length in lengths)
    assert len(clip) == len(frame)
    assert len(clip) <= most
    assert len(clip) > min(most, sum(lengths)) - max(filled, 1)
    assert len(set(zip(clip.tolist(), frame.tolist(), strict=True))) == len(clip)
    assert list(zip(clip, frame, strict=True)) == sorted(zip(clip, frame, strict=True))
    assert all(0 <= f < lengths[c] for c, f in zip(clip, frame, strict=True))
    counts = np.bincount(clip, minlength=len(lengths))
    if filled <= most:
        assert all((count > 0) == (length > 0) for count, length in zip(counts, lengths, strict=True))
    for number, count in enumerate(counts):
        gaps = np.diff(frame[clip == number])
        assert count < 2 or gaps.max() - gaps.min() <= 1


def test_all_frames_where_there_are_no_more_than_allowed() -> None:
    clip, frame = spread([3, 2], most=5)
    assert clip.tolist() == [0, 0, 0, 1, 1]
    assert frame.tolist() == [0, 1, 2, 0, 1]


def test_every_clip_gives_the_same_fraction() -> None:
    clip, frame = spread([96] * 200, most=2000)
    assert np.bincount(clip).tolist() == [10] * 200
    assert frame[:10].tolist() == [4, 14, 24, 33, 43, 52, 62, 72, 81, 91]


def test_more_clips_than_frames_allowed() -> None:
    clip, frame = spread([5] * 9, most=3)
    assert clip.tolist() == [1, 4, 7]
    assert frame.tolist() == [2, 2, 2]
