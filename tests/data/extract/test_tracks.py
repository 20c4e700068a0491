"""A face is followed as long as it is seen, in one shot."""

from __future__ import annotations

import numpy as np

from ssltoolbox.data.extract.tracks import FaceTracker, Track


def face(left: float, top: float = 0, side: float = 20) -> np.ndarray:
    return np.linspace((left, top), (left + side, top + side), 68)


def tracks(
    *samples: list[np.ndarray],
    shots: list[int] | None = None,
    lost: int = 0,
    images: list[np.ndarray] | None = None,
) -> list[Track]:
    """Every track of a sequence of samples, in the order in which they begin; a change of 0.35 is another face."""
    tracker = FaceTracker(lost, change=0.35)
    ended: list[Track] = []
    for number, faces in enumerate(samples):
        shown = images[number] if images else None
        ended += tracker.follow(number, shots[number] if shots else 0, faces, shown)[1]
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


def test_a_face_lost_for_longer_than_allowed_starts_a_new_track() -> None:
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


def coloured(*faces: tuple[float, tuple[int, int, int]]) -> np.ndarray:
    """[120, 160, 3] a picture with a square of some colour at each face's place, and around it."""
    image = np.full((120, 160, 3), 128, np.uint8)
    for left, colour in faces:
        image[:60, max(0, round(left) - 10) : round(left) + 30] = colour
    return image


RED, BLUE = (200, 30, 30), (30, 30, 200)


def test_another_person_at_the_same_place_is_another_track() -> None:
    """A cut that was not found, or a fade."""
    images = [coloured((60, colour)) for colour in (RED, RED, BLUE, BLUE)]
    assert numbers(tracks(*[[face(60, 20)]] * 4, lost=2, images=images)) == [[0, 1], [2, 3]]


def test_a_lost_face_comes_back_only_as_the_same_person() -> None:
    samples = [[face(60, 20)], [face(60, 20)], [], [], [face(60, 20)]]
    before = [coloured((60, RED))] * 4
    same, other = (tracks(*samples, lost=2, images=[*before, coloured((60, last))]) for last in (RED, BLUE))
    assert numbers(same) == [[0, 1, 4]]
    assert numbers(other) == [[0, 1], [4]]


def test_a_face_in_front_does_not_take_over_a_lost_track() -> None:
    """One face passes in front of another, which is hidden for two samples and comes back."""
    passing = [0, 8, 16, 24, 32, 40, 48]
    still = [30, 30, 30, None, None, 30, 30]
    samples = [
        [face(moving), *([] if place is None else [face(place)])]
        for moving, place in zip(passing, still, strict=True)
    ]
    found = tracks(*samples, lost=3)
    assert [track.numbers for track in found] == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2], [5, 6]]
    assert [box[0] - 10 for box in found[0].boxes] == passing


def test_a_new_face_where_another_was_lost_ends_the_lost_track() -> None:
    """The face in front leaves before the hidden one is back."""
    samples = [[face(30, 20)], [face(36, 20)], [], [face(30, 20)]]
    images = [coloured((30, RED)), coloured((36, BLUE)), coloured(), coloured((30, RED))]
    assert numbers(tracks(*samples, lost=3, images=images)) == [[0], [1], [3]]
