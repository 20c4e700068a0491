"""The faces of a video, found, followed and cut out as `data extract` does it, without files in between."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch

from ssltoolbox.api import LandmarkDetector
from ssltoolbox.data.extract.clips import Crop, TrackCrops
from ssltoolbox.data.extract.faces import find_faces
from ssltoolbox.data.extract.reading import VideoReader
from ssltoolbox.data.extract.tracks import FaceTracker, Track
from ssltoolbox.data.extract.video import Cropping
from ssltoolbox.engine.predict.sources import AT_ONCE, FaceBatch, FaceRow

Watch = Callable[[int, int], object]
"""Takes the number of frames looked at so far, and of all that are expected; 0 if that is not known."""


class VideoFaces:
    """The faces of one video.

    Attributes:
        name: the video, as the rows name it.
        frames: 0, as they show themselves while it is read.
        looked_at: frames in which faces were searched so far.
        damaged: packets and frames that could not be decoded so far.
    """

    fails_whole = True

    def __init__(
        self, path: Path, name: str, detector: LandmarkDetector, cropping: Cropping, watch: Watch
    ) -> None:
        """
        Args:
            path: the video.
            name: what the rows call it.
            detector: finds the faces; one in a frame, unless it is a `MultiFaceDetector`.
            cropping: the settings; every face counts, however short its clip.
            watch: called after each frame.
        """
        self.path, self.name, self.frames = path, name, 0
        self.looked_at = self.damaged = 0
        self._detector, self._cropping, self._watch = detector, cropping, watch

    def batches(self, size: int) -> Iterator[FaceBatch]:
        """The faces, those of one face in order.

        Raises:
            UnreadableVideo: if no frame can be decoded.
            DetectorFailed: if the detector raises an error.
        """
        waiting: list[tuple[Track, Crop]] = []
        for one in self._crops(size):
            waiting.append(one)
            if len(waiting) == AT_ONCE:
                yield self._batch(waiting)
                waiting = []
        if waiting:
            yield self._batch(waiting)

    def _crops(self, size: int) -> Iterator[tuple[Track, Crop]]:
        how = self._cropping
        reader = VideoReader(self.path, how.fps, how.cut)
        tracker = FaceTracker(int(how.lost * how.fps), how.cut)
        crops: dict[Track, TrackCrops] = {}
        for sample in reader:
            faces = find_faces(self._detector, sample.image, how.detect_size)
            found, ended = tracker.follow(sample.number, sample.shot, faces, sample.image)
            for track in ended:
                yield from ((track, crop) for crop in crops.pop(track).finish())
            for track, points in found:
                own = crops.setdefault(track, TrackCrops(track, how.fps, size, how.scale))
                yield from ((track, crop) for crop in own.add(sample.image, points))
            self.looked_at += 1
            self.damaged = reader.damaged
            self._watch(self.looked_at, reader.expected)
        for track in tracker.finish():
            yield from ((track, crop) for crop in crops.pop(track).finish())

    def _batch(self, found: list[tuple[Track, Crop]]) -> FaceBatch:
        pixels = np.stack([np.asarray(crop.image) for _, crop in found])
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous()
        return FaceBatch(images, [self._row(track, crop) for track, crop in found])

    def _row(self, track: Track, crop: Crop) -> FaceRow:
        x, y, side = (float(value) for value in crop.square)
        box = (x + 0.5 - side / 2, y + 0.5 - side / 2, side, side)
        return FaceRow(
            self.name, track.number + 1, crop.number, crop.number / float(self._cropping.fps), box=box
        )
