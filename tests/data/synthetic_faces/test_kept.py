"""Frames kept in memory: made once, the same as those that are not, shared by forked workers."""

from __future__ import annotations

import multiprocessing
import os
import pickle

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
from ssltoolbox.data.synthetic_faces.kept import KeptFrames
from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

RECORD = np.dtype([("number", np.int64), ("pixels", np.uint8, (3, 2))])
OPTIONS = SyntheticFacesOptions(
    world=7, identities=5, clips=12, frames=30, size=33, eval_identities=3, eval_clips=4
)


class Maker:
    """Makes records, and notes which."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __call__(self, numbers: NDArray[np.int64]) -> NDArray[np.void]:
        self.asked += numbers.tolist()
        records = np.zeros(len(numbers), RECORD)
        records["number"], records["pixels"] = numbers, (numbers % 256)[:, None, None]
        return records


def test_each_record_is_made_once() -> None:
    kept, make = KeptFrames(20, RECORD), Maker()
    for numbers in ([3, 3, 19], [19, 0, 3], [], [0]):
        records = kept(np.array(numbers, np.int64), make)
        assert records["number"].tolist() == numbers
        assert records["pixels"][:, 0, 0].tolist() == numbers
    assert make.asked == [3, 19, 0]


def test_what_is_given_is_a_copy() -> None:
    kept, make = KeptFrames(4, RECORD), Maker()
    kept(np.array([2]), make)["number"] = 7
    assert kept(np.array([2]), make)["number"].tolist() == [2]


def test_forked_processes_share_records() -> None:
    kept = KeptFrames(4, RECORD)
    worker = multiprocessing.get_context("fork").Process(target=kept, args=(np.array([1, 3]), Maker()))
    worker.start()
    worker.join()
    make = Maker()
    assert kept(np.array([3, 1, 0]), make)["number"].tolist() == [3, 1, 0]
    assert make.asked == [0]


def test_kept_frames_are_those_that_are_drawn() -> None:
    clips, frames = [0, 11, 0, 4, 4], [3, 29, 3, 0, 1]
    keeping, drawing = SyntheticFaces(OPTIONS, "train"), _drawing()
    for _ in range(2):
        kept, drawn = keeping.read(clips, frames), drawing.read(clips, frames)
        assert torch.equal(kept.images, drawn.images)
        assert torch.equal(kept.landmarks, drawn.landmarks)
        assert all(torch.equal(kept.labels[name], values) for name, values in drawn.labels.items())


def test_more_frames_than_may_be_kept_are_drawn() -> None:
    bytes_each = 3 * 33 * 33 + 68 * 2 * 4 + 8 + 2 * 4
    enough = 12 * 30 * bytes_each / 2**30
    assert SyntheticFaces(OPTIONS.model_copy(update={"keep": enough}), "train")._kept is not None
    assert SyntheticFaces(OPTIONS.model_copy(update={"keep": enough * 0.999}), "train")._kept is None


def test_a_spawned_process_gets_a_dataset_that_draws() -> None:
    copy = pickle.loads(pickle.dumps(SyntheticFaces(OPTIONS, "train")))
    assert torch.equal(copy.read([1], [2]).images, _drawing().read([1], [2]).images)


def test_a_loader_s_workers_share_what_they_draw() -> None:
    dataset = SyntheticFaces(OPTIONS, "train")
    places = [(clip, frame) for clip in range(12) for frame in range(0, 30, 10)]
    loader = DataLoader(
        _Reading(dataset, places), batch_size=None, num_workers=2, multiprocessing_context="fork"
    )
    owners = {owner for owner, _ in loader}
    assert os.getpid() not in owners
    assert dataset._kept is not None
    numbers = np.array([clip * 30 + frame for clip, frame in places])
    dataset._kept(numbers, _refuse)


class _Reading:
    """Reads one place for each index, and says which process did."""

    def __init__(self, dataset: SyntheticFaces, places: list[tuple[int, int]]) -> None:
        self.dataset, self.places = dataset, places

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, index: int) -> tuple[int, torch.Tensor]:
        clip, frame = self.places[index]
        return os.getpid(), self.dataset.read([clip], [frame]).images


def _drawing() -> SyntheticFaces:
    return SyntheticFaces(OPTIONS.model_copy(update={"keep": 0.0}), "train")


def _refuse(numbers: NDArray[np.int64]) -> NDArray[np.void]:
    raise AssertionError(f"{numbers} had to be drawn again")
