"""The faces of a video, found, followed and cut out as `data extract` does it, without files in between."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ssltoolbox.api import LandmarkDetector
from ssltoolbox.data.extract.clips import Crop
from ssltoolbox.data.extract.tracks import Track
from ssltoolbox.data.extract.video import Cropping, VideoCrops, Watch
from ssltoolbox.engine.predict.sources import AT_ONCE, FaceBatch, FaceRow


class VideoFaces:
    """The faces of one video.

    Attributes:
        name: the video, as the rows name it.
        frames: 0, because faces are found only while the video is read.
    """

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
        self._detector, self._cropping, self._watch = detector, cropping, watch

    def batches(self, size: int) -> Iterator[FaceBatch]:
        """The faces, those of one face in order.

        Raises:
            UnreadableVideo: if no frame can be decoded.
            DetectorFailed: if the detector raises an error.
        """
        waiting: list[tuple[Track, Crop]] = []
        cropping = replace(self._cropping, size=size)
        for track, crops, _ in VideoCrops(self._detector, self.path, cropping, self._watch):
            for crop in crops:
                waiting.append((track, crop))
                if len(waiting) == AT_ONCE:
                    yield self._batch(waiting)
                    waiting = []
        if waiting:
            yield self._batch(waiting)

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
