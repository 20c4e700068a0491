"""A face is followed as long as it is seen, in one shot."""

from __future__ import annotations

import numpy as np

from ssltoolbox.data.extract.tracks import FaceTracker, Track


def face(left: float, top: float = 0, side: float = 20) -> np.ndarray:
    return np.linspace((left, top), (left + side, top + side), 68)


def tracks(*samples: list[np.ndarray], shots: list[int] | None = None, lost: int = 0) -> list[Track]:
    """Every track of a sequence of samples, in the order in which they begin."""
    tracker = FaceTracker(lost)
    ended: list[Track] = []
    for number, faces in enumerate(samples):
        ended += tracker.follow(number, shots[number] if shots else 0, faces)[1]
    return sorted(ended + tracker.finish(), key=lambda track: track.number)


def numbers(found: list[Track]) -> list[list[int]]:
    return [track.numbers for track in found]


def test_a_face_that_moves() -> None:
    assert numbers(tracks(*[[face(4 * step)] for step in range(5)])) == [[0, 1, 2, 3, 4]]


def test_two_faces_in_any_order() -> None:
    samples = [[face(2 * step), face(100 - 2 * step)][:: (-1) ** step] for step in range(6)]
    left, right = tracks(*samples)
    assert [box[0] for box in left.boxes] == [10 + 2 * step for step in range(6)]
    assert [box[0] for box in right.boxes] == [110 - 2 * step for step in range(6)]


def test_the_nearer_of_two_faces_goes_on() -> None:
    (first, second) = tracks([face(0)], [face(8), face(1)])
    assert (first.numbers, second.numbers) == ([0, 1], [1])
    assert first.boxes[1][0] == 11


def test_a_face_that_jumps_is_another_one() -> None:
    assert numbers(tracks([face(0)], [face(12)])) == [[0], [1]]
    assert numbers(tracks([face(0)], [face(0, side=60)])) == [[0], [1]]


def test_a_lost_face() -> None:
    samples = [[face(0)], [face(0)], [], [face(0)], [], [], [face(0)]]
    assert numbers(tracks(*samples)) == [[0, 1], [3], [6]]
    assert numbers(tracks(*samples, lost=1)) == [[0, 1, 3], [6]]
    assert numbers(tracks(*samples, lost=2)) == [[0, 1, 3, 6]]


def test_a_cut_ends_every_track() -> None:
    found = tracks([face(0)], [face(0)], [face(0)], shots=[0, 1, 1], lost=5)
    assert [(track.shot, track.numbers) for track in found] == [(0, [0]), (1, [1, 2])]


def test_samples_that_a_video_does_not_have_are_no_loss() -> None:
    tracker = FaceTracker(lost=0)
    for number in (0, 1, 7):
        assert tracker.follow(number, 0, [face(0)])[1] == []
    assert numbers(tracker.finish()) == [[0, 1, 7]]
