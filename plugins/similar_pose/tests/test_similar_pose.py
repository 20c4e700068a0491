"""Hard negatives are frames of other people, the most similar pose first, at a bounded cost."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pytest
from ssltoolbox_similar_pose import SimilarPoseOptions
from ssltoolbox_similar_pose.pose import FACE, POINTS
from ssltoolbox_similar_pose.sampler import TRIES, SimilarPose

from ssltoolbox.api import Clip, DataFacts, Setting

PEOPLE, FRAMES = 6, 5


def face(yaw: float) -> np.ndarray:
    """[68, 2] landmarks of a face that is turned by so many degrees."""
    cos, sin = np.cos(np.radians(yaw)), np.sin(np.radians(yaw))
    turned = FACE @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]]).T
    landmarks = np.zeros((68, 2))
    landmarks[POINTS] = turned[:, :2] * [1, -1]
    return landmarks


class Turned:
    """A catalogue with two clips of each person; frame f of clip c is turned by 18·f + c degrees."""

    def __init__(
        self, unknown: Collection[int] = (), bare: Collection[int] = (), clips: int = 2 * PEOPLE
    ) -> None:
        self.unknown, self.bare, self.clips = unknown, bare, clips
        self.looked_at = 0

    def __len__(self) -> int:
        return self.clips

    def clip(self, index: int) -> Clip:
        self.looked_at += 1
        turned = np.stack([face(18 * frame + index) for frame in range(FRAMES)])
        if index in self.unknown:
            turned[:] = np.nan
        load = None if index in self.bare else lambda: turned
        return Clip(index, index // 2, np.arange(FRAMES) / 25, load_landmarks=load, catalogue=self)


def pick(catalogue: Turned, clip: int = 0, anchor: int = 2, seed: int = 0, **options: Any) -> list:
    sampler = SimilarPose(SimilarPoseOptions(**options))
    return sampler.pick(catalogue.clip(clip), anchor, np.random.default_rng(seed))


@pytest.mark.parametrize("seed", range(20))
def test_the_most_similar_of_other_people(seed: int) -> None:
    picked = pick(Turned(), candidates=200, count=3, seed=seed)
    assert [(one.clip, one.frame) for one in picked] == [(2, 2), (3, 2), (4, 2)]


@pytest.mark.parametrize("seed", range(20))
def test_few_candidates_are_still_other_people(seed: int) -> None:
    picked = pick(Turned(), candidates=1, count=2, seed=seed)
    assert len({(one.clip, one.frame) for one in picked}) == 2
    assert all(one.clip // 2 != 0 for one in picked)


def test_candidates_without_landmarks_are_skipped() -> None:
    for seed in range(20):
        picked = pick(Turned(unknown={2, 3}, bare={4, 5}), candidates=50, count=1, seed=seed)
        assert picked[0].clip >= 6


def test_an_anchor_without_landmarks_has_no_answer() -> None:
    assert pick(Turned(unknown={0})) == []
    assert pick(Turned(bare={0})) == []


def test_no_other_person_has_landmarks() -> None:
    assert pick(Turned(unknown=range(2, 12))) == []
    assert pick(Turned(clips=2)) == []


def test_the_cost_does_not_grow_with_the_clips() -> None:
    catalogue = Turned(clips=1_000_000)
    assert len(pick(catalogue, candidates=16)) == 1
    assert catalogue.looked_at <= 1 + TRIES * 16


def test_data_with_a_single_person_is_reported() -> None:
    facts = DataFacts(clips=9, identities=1, frames=900, fps=25, size=8, shortest=99, longest=99)
    setting = Setting(data=facts, instances=8, draws=4, hard_negatives=1)
    (problem,) = SimilarPoseOptions().problems(setting)
    assert "single identity" in problem.message
