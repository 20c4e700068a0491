"""The crops of one face along its smoothed track, and the clip that they are written to with their landmarks."""

from __future__ import annotations

import math
import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image

from ssltoolbox.data.extract.crops import REACH, cut_out, points_in, smoothed
from ssltoolbox.data.extract.tracks import Track
from ssltoolbox.data.images.tree import LANDMARKS_FILE

JPEG_QUALITY = 95


class _Waiting(NamedTuple):
    """A frame whose square is not known yet, because smoothing needs later frames."""

    position: int
    image: np.ndarray
    points: np.ndarray


class Crop(NamedTuple):
    """A face, cut out of a frame.

    Attributes:
        number: of the sample.
        square: [3] centre x, centre y and side in pixels of the frame.
        image: what is in the square, resized.
        points: [68, 2] landmarks in pixels of that image.
    """

    number: int
    square: np.ndarray
    image: Image.Image
    points: np.ndarray


class TrackCrops:
    """The crops of one face along its smoothed track.

    Frames stay in memory only as long as smoothing needs later ones.
    """

    def __init__(self, track: Track, fps: Fraction, size: int, scale: float) -> None:
        """
        Args:
            track: the track of the face; it grows while frames are added.
            fps: samples per second.
            size: height and width of the crops in pixels.
            scale: side of the crop divided by the side of the face's box.
        """
        self.track = track
        self._fps = float(fps)
        self._window = math.ceil(REACH * fps)
        self._size = size
        self._scale = scale
        self._waiting: deque[_Waiting] = deque()

    def add(self, image: np.ndarray, points: np.ndarray) -> list[Crop]:
        """Adds the newest frame of the track, and gives the crops that are ready.

        Args:
            image: [H, W, 3] uint8 RGB, the whole frame.
            points: [68, 2] in its pixels.
        """
        newest = len(self.track.numbers) - 1
        self._waiting.append(_Waiting(newest, image, points))
        ready = []
        while self._seconds(self._waiting[0].position, newest) > REACH:
            ready.append(self._crop(self._waiting.popleft()))
        return ready

    def finish(self) -> Iterator[Crop]:
        """The remaining crops, each of which is cut out when it is taken."""
        while self._waiting:
            yield self._crop(self._waiting.popleft())

    def _seconds(self, first: int, last: int) -> float:
        return (self.track.numbers[last] - self.track.numbers[first]) / self._fps

    def _crop(self, frame: _Waiting) -> Crop:
        near = slice(max(0, frame.position - self._window), frame.position + self._window + 1)
        times = np.array(self.track.numbers[near]) / self._fps
        number = self.track.numbers[frame.position]
        square = smoothed(np.stack(self.track.boxes[near]), times, number / self._fps)
        square[2] *= self._scale
        image = cut_out(frame.image, square, self._size)
        return Crop(number, square, image, points_in(frame.points, square, self._size))


class ClipWriter:
    """Writes frames `0000001.jpg`, …, numbered by their time in the video, and `landmarks68.npy`."""

    def __init__(self, folder: Path) -> None:
        """
        Args:
            folder: the clip's; it is made here.
        """
        self.folder = folder
        self._points: list[np.ndarray] = []
        folder.mkdir(parents=True)

    def write(self, crops: Iterable[Crop]) -> None:
        """Writes the next frames."""
        for crop in crops:
            crop.image.save(self.folder / f"{crop.number + 1:07d}.jpg", quality=JPEG_QUALITY)
            self._points.append(crop.points)

    def finish(self) -> None:
        """Writes the landmarks of all frames."""
        np.save(self.folder / LANDMARKS_FILE, np.stack(self._points))

    def discard(self) -> None:
        """Removes the clip."""
        shutil.rmtree(self.folder)


def seconds(track: Track, fps: Fraction) -> float:
    """Duration of a track, including its last frame."""
    return float((track.numbers[-1] - track.numbers[0] + 1) / fps)


def is_sparse(track: Track) -> bool:
    """True if no two frames of a track have consecutive numbers: the video has fewer frames per second than
    wanted.

    The numbers of such frames would give wrong times.
    """
    return len(track.numbers) > 1 and all(later - earlier > 1 for earlier, later in pairwise(track.numbers))
