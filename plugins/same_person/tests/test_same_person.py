"""Positives come from all other clips of the person, or, if there is none, as the option `alone` says."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from ssltoolbox_same_person import SamePersonOptions
from ssltoolbox_same_person.generator import SamePerson

from ssltoolbox.api import Clip, DataFacts, Pick, Setting


class People:
    """A catalogue of clips of 2, 3, … frames."""

    def __init__(self, *identities: int) -> None:
        self.identities = np.array(identities)

    def __len__(self) -> int:
        return len(self.identities)

    def clip(self, index: int) -> Clip:
        times = np.arange(2 + index) / 25
        return Clip(index, int(self.identities[index]), times, catalogue=self)

    def of_identity(self, identity: int) -> np.ndarray:
        return np.flatnonzero(self.identities == identity)

    def labels(self, index: int) -> dict:
        return {}


def picks(people: People, clip: int, frame: int = 0, **options: Any) -> list:
    generator = SamePerson(SamePersonOptions(**options))
    return [generator.pick(people.clip(clip), frame, np.random.default_rng(seed)) for seed in range(600)]


def test_other_clips_and_their_frames_are_equally_likely() -> None:
    found = Counter((pick.clip, pick.frame) for pick in picks(People(7, 8, 7, 7, 8), 0))
    assert set(found) == {(2, frame) for frame in range(4)} | {(3, frame) for frame in range(5)}
    clips = Counter(clip for clip, _ in found.elements())
    assert clips[2] == pytest.approx(300, abs=60)


def test_a_person_with_one_clip_gets_another_frame_of_it() -> None:
    assert set(picks(People(7, 8, 8), 0)) == {1}
    assert set(picks(People(8, 8, 7), 2, frame=1)) == {0, 2, 3}


def test_a_person_with_one_clip_may_be_skipped() -> None:
    assert set(picks(People(7, 8, 8), 0, alone="skip")) == {None}
    assert all(isinstance(pick, Pick) for pick in picks(People(7, 8, 8), 1, alone="skip"))


def test_a_clip_of_one_frame_without_a_catalogue() -> None:
    alone = Clip(0, 0, np.zeros(1))
    assert SamePerson(SamePersonOptions()).pick(alone, 0, np.random.default_rng(0)) == 0


@pytest.mark.parametrize(("alone", "warning"), [("clip", True), ("skip", False)])
def test_data_with_a_clip_for_each_person_is_reported(alone: str, warning: bool) -> None:
    facts = DataFacts(clips=9, identities=9, frames=900, fps=25, size=8, shortest=99, longest=99)
    setting = Setting(data=facts, instances=8, draws=8, hard_negatives=0)
    (problem,) = SamePersonOptions(alone=alone).problems(setting)
    assert "single clip" in problem.message
    assert problem.warning == warning
