"""Processes that compute features together: the features of one process, and what happens when one fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing
from helpers.data import NumberedFrames, PlainView
from torch import distributed, nn

from ssltoolbox.api import Features, SslToolboxError
from ssltoolbox.engine.core.components import Task
from ssltoolbox.engine.core.features import FeatureExtractor, features_of_networks
from ssltoolbox.engine.scoring.ranks import Ranks
from ssltoolbox.engine.scoring.shared_features import SharedFeatures

pytestmark = pytest.mark.slow
RANKS = 2
SELECTIONS = [np.arange(17), np.arange(5), np.arange(0)]
"""Numbers of frames of a clip of 20 frames: five batches, two, and none."""


class FailsOnOthers(NumberedFrames):
    """Can't be read by any process but the first."""

    def read(self, clips: Any, frames: Any) -> Any:
        if distributed.is_initialized() and distributed.get_rank() > 0:
            raise ValueError("the disk is gone")
        return super().read(clips, frames)


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def extractors(*seeds: int) -> list[FeatureExtractor]:
    return [FeatureExtractor(network(seed), PlainView(), batch_size=4) for seed in seeds]


def datasets() -> list[NumberedFrames]:
    """The first of a task, the second of none, the third of another task."""
    frames = NumberedFrames([20], broken=[(0, 3)]), NumberedFrames([20]), FailsOnOthers([20])
    return list(frames)


def on_rank(rank: int, folder: str) -> None:
    torch.set_num_threads(1)
    init = f"file://{folder}/rendezvous"
    distributed.init_process_group("gloo", init_method=init, rank=rank, world_size=RANKS)
    try:
        compute_together(rank, folder)
    finally:
        distributed.destroy_process_group()


def compute_together(rank: int, folder: str) -> None:
    ranks = Ranks()
    seeds = (1, 2) if rank == 0 else (3, 4)
    networks = [network(seed) for seed in seeds]
    ranks.make_equal(*networks)
    own = [FeatureExtractor(one, PlainView(), batch_size=4) for one in networks]
    first, unknown, failing = datasets()
    tasks = {"one": Task(None, [{"test": first}]), "two": Task(None, [{"test": failing}])}  # type: ignore[arg-type]
    shared = SharedFeatures(ranks, tasks, own)
    if rank > 0:
        ranks.serve(shared.share)
        with pytest.raises(ValueError, match="the disk is gone"):
            ranks.serve(shared.share)
        return
    numbers = [(dataset, frame) for dataset in (first, unknown) for frame in SELECTIONS]
    with ranks.released():
        found = [shared(own, dataset, np.zeros_like(frame), frame) for dataset, frame in numbers]
        found.append(shared(own[1:], first, np.zeros_like(SELECTIONS[0]), SELECTIONS[0]))
    with pytest.raises(SslToolboxError) as caught:
        shared(own, failing, np.zeros_like(SELECTIONS[0]), SELECTIONS[0])
    plain = [[vars(table) for table in tables] for tables in found]
    torch.save((plain, str(caught.value)), os.path.join(folder, "found.pt"))


def test_processes_compute_the_features_of_one(tmp_path: Path) -> None:
    torch.multiprocessing.spawn(on_rank, (str(tmp_path),), nprocs=RANKS)
    found, message = torch.load(tmp_path / "found.pt", weights_only=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        both = extractors(1, 2)
        first, unknown, _ = datasets()
        expected = [
            features_of_networks(both, dataset, np.zeros_like(frame), frame)
            for dataset in (first, unknown)
            for frame in SELECTIONS
        ]
        expected.append([expected[0][1]])
    finally:
        torch.set_num_threads(threads)
    assert len(found) == len(expected)
    for tables, those_of_one in zip(found, expected, strict=True):
        for table, other in zip(tables, those_of_one, strict=True):
            assert_same(Features(**table), other)
    assert "rank 1" in message
    assert "the disk is gone" in message


def assert_same(one: Features, other: Features) -> None:
    for name in ("values", "clip", "identity", "time"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    assert one.labels.keys() == other.labels.keys()
    for name in one.labels:
        np.testing.assert_array_equal(one.labels[name], other.labels[name])
