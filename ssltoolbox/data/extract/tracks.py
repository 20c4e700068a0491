"""Follows faces from sample to sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ssltoolbox.data.extract.colours import colour_histogram, share_changed
from ssltoolbox.data.extract.crops import cut_out, face_box, overlap

LEAST_OVERLAP = 0.3
"""Intersection over union below which a box is another face: at 0.3 a box has moved by half its side."""
NEAR = 2
"""Distance of two faces, in sides of the box, that a face may cross from one sample to the next."""
SURROUNDINGS = 1.6
"""Side of the square whose colours are compared, over that of the face's box: hair and clothes belong to it."""
_SIDE = 32


@dataclass(eq=False)
class Track:
    """The track of one face.

    Attributes:
        number: number of the track in the video, in the order in which tracks begin.
        shot: its shot.
        numbers: numbers of its samples, rising.
        boxes: [3] a box for each sample, see `face_box`.
        seen: number of processed samples when the face was last seen.
        colours: those around the face when it was last seen; None if they are not compared.
        covered: another face was where this one was lost.
    """

    number: int
    shot: int
    numbers: list[int] = field(default_factory=list)
    boxes: list[np.ndarray] = field(default_factory=list)
    seen: int = 0
    colours: np.ndarray | None = None
    covered: bool = False


class FaceTracker:
    """Assigns the faces of each sample to tracks, without putting two people into one.

    A face goes on with the track whose last box, or that box moved on, it overlaps most, if the colours around it
    are still the same. Faces that were seen a sample ago are served first, then those that were lost. Where it is
    not clear which of two people a face is, because the other one is lost nearby, it begins a new track.

    Args:
        lost: consecutive samples for which a face may be missing before its track ends.
        change: share of the colours around a face, 0 to 1, whose change makes it another one; 1 allows any change.
    """

    def __init__(self, lost: int, change: float = 1.0) -> None:
        self.lost = lost
        self.change = change
        self._alive: list[Track] = []
        self._begun = 0
        self._samples = 0

    def follow(
        self, number: int, shot: int, faces: Sequence[np.ndarray], image: np.ndarray | None = None
    ) -> tuple[list[tuple[Track, np.ndarray]], list[Track]]:
        """Assigns each face to the track that it continues, or to a new track.

        Args:
            number, shot: of the sample.
            faces: [68, 2] each.
            image: [H, W, 3] uint8 RGB, the sample; without it no colours are compared.

        Returns:
            Pairs of a track and the landmarks of its face, and the tracks that have ended before this sample.
        """
        self._samples += 1
        ended = [track for track in self._alive if self._has_ended(track, shot)]
        self._alive = [track for track in self._alive if track not in ended]
        seen = [_Seen(box := face_box(points), colours_around(image, box)) for points in faces]
        tracks = self._matched(seen, number, shot)
        for track, face in zip(tracks, seen, strict=True):
            track.seen = self._samples
            track.numbers.append(number)
            track.boxes.append(face.box)
            track.colours = face.colours
        self._cover([face.box for face in seen])
        return list(zip(tracks, faces, strict=True)), ended

    def finish(self) -> list[Track]:
        """The tracks that end with the video."""
        ended, self._alive = self._alive, []
        return ended

    def _has_ended(self, track: Track, shot: int) -> bool:
        return track.shot != shot or track.covered or self._missing(track) > self.lost

    def _missing(self, track: Track) -> int:
        """The number of samples between the last one of a track and this one."""
        return self._samples - track.seen - 1

    def _matched(self, seen: Sequence[_Seen], number: int, shot: int) -> list[Track]:
        """A track for each face: the pairs that fit best first, new tracks for the remaining faces."""
        pairs = [
            (self._missing(track), self._changed(track, face) - shared, track, index)
            for track in self._alive
            for index, face in enumerate(seen)
            if (shared := self._shared(track, face.box, number)) >= LEAST_OVERLAP
            and self._changed(track, face) <= self.change
        ]
        pairs.sort(key=lambda pair: (*pair[:2], pair[2].number, pair[3]))
        matched: dict[int, Track] = {}
        for *_, track, index in pairs:
            if index not in matched and track not in matched.values():
                matched[index] = track
        lost = [track for track in self._alive if track not in matched.values()]
        clear = {
            index: track
            for index, track in matched.items()
            if not any(self._may_be(other, track, seen[index]) for other in lost)
        }
        return [clear.get(index) or self._new(shot) for index in range(len(seen))]

    def _may_be(self, lost: Track, matched: Track, face: _Seen) -> bool:
        """Whether a face may be that of a lost track nearby, because it looks more like it."""
        distance = np.linalg.norm(lost.boxes[-1][:2] - face.box[:2])
        near = bool(distance < NEAR * face.box[2])
        return near and self._changed(lost, face) < self._changed(matched, face)

    def _shared(self, track: Track, box: np.ndarray, number: int) -> float:
        """Overlap with the last box of a track, or with where it would be if it moved on, whichever is larger."""
        shared = overlap(track.boxes[-1], box)
        if len(track.boxes) == 1 or self._missing(track):
            return shared
        before, last = track.numbers[-2:]
        moved = (track.boxes[-1] - track.boxes[-2]) * ((number - last) / (last - before))
        return max(shared, overlap(track.boxes[-1] + moved, box))

    def _changed(self, track: Track, face: _Seen) -> float:
        """The share of the colours around a face that have changed; 0 if they are not compared."""
        if track.colours is None or face.colours is None:
            return 0.0
        return share_changed(track.colours, face.colours)

    def _cover(self, boxes: Sequence[np.ndarray]) -> None:
        """Marks the lost tracks where there is another face now."""
        for track in self._alive:
            lost = track.seen < self._samples
            track.covered = lost and any(overlap(track.boxes[-1], box) >= LEAST_OVERLAP for box in boxes)

    def _new(self, shot: int) -> Track:
        track = Track(self._begun, shot)
        self._begun += 1
        self._alive.append(track)
        return track


class _Seen(NamedTuple):
    """The box of a face in this sample, and the colours around it."""

    box: np.ndarray
    colours: np.ndarray | None


def colours_around(image: np.ndarray | None, box: np.ndarray) -> np.ndarray | None:
    """[512] the colours around a face, hair and clothes included; None without an image."""
    if image is None:
        return None
    square = box * (1, 1, SURROUNDINGS)
    return colour_histogram(np.asarray(cut_out(image, square, _SIDE)))
