"""Follows faces from sample to sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ssltoolbox.data.extract.crops import face_box, overlap

LEAST_OVERLAP = 0.3
"""Intersection over union below which a box is another face: at 0.3 a box has moved by half its side."""


@dataclass(eq=False)
class Track:
    """The track of one face.

    Attributes:
        number: number of the track in the video, in the order in which tracks begin.
        shot: its shot.
        numbers: numbers of its samples, rising.
        boxes: [3] a box for each sample, see `face_box`.
        seen: number of processed samples when the face was last seen.
    """

    number: int
    shot: int
    numbers: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    seen: int = 0


class FaceTracker:
    """Assigns the faces of each sample to tracks.

    Args:
        lost: consecutive samples for which a face may be missing before its track ends.
    """

    def __init__(self, lost: int) -> None:
        self.lost = lost
        self._alive: list[Track] = []
        self._begun = 0
        self._samples = 0

    def follow(
        self, number: int, shot: int, faces: Sequence[np.ndarray]
    ) -> tuple[list[tuple[Track, np.ndarray]], list[Track]]:
        """Assigns each face to the track whose last box overlaps most, or to a new track.

        Args:
            number, shot: of the sample.
            faces: [68, 2] each.

        Returns:
            Pairs of a track and the landmarks of its face, and the tracks that have ended before this sample.
        """
        self._samples += 1
        ended = [
            track for track in self._alive if track.shot != shot or self._samples - track.seen > self.lost + 1
        ]
        self._alive = [track for track in self._alive if track not in ended]
        boxes = [face_box(points) for points in faces]
        tracks = self._matched(boxes, shot)
        for track, box in zip(tracks, boxes, strict=True):
            track.seen = self._samples
            track.numbers.append(number)
            track.boxes.append(box)
        return list(zip(tracks, faces, strict=True)), ended

    def finish(self) -> list[Track]:
        """The tracks that end with the video."""
        ended, self._alive = self._alive, []
        return ended

    def _matched(self, boxes: Sequence[np.ndarray], shot: int) -> list[Track]:
        """A track for each box: the pairs with the largest overlap first, new tracks for the remaining boxes."""
        pairs = [
            (overlap(track.boxes[-1], box), track, index)
            for track in self._alive
            for index, box in enumerate(boxes)
        ]
        pairs.sort(key=lambda pair: (-pair[0], pair[1].number, pair[2]))
        matched: dict[int, Track] = {}
        for shared, track, index in pairs:
            if shared >= LEAST_OVERLAP and index not in matched and track not in matched.values():
                matched[index] = track
        return [matched.get(index) or self._new(shot) for index in range(len(boxes))]

    def _new(self, shot: int) -> Track:
        track = Track(self._begun, shot)
        self._begun += 1
        self._alive.append(track)
        return track
