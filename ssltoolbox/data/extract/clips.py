"""Writes the clip of one followed face: crops along the smoothed track, and their landmarks."""

from __future__ import annotations

import math
import shutil
from collections import deque
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from ssltoolbox.data.extract.crops import REACH, cut_out, points_in, smoothed
from ssltoolbox.data.extract.tracks import Track
from ssltoolbox.data.images.tree import LANDMARKS_FILE

JPEG_QUALITY = 95


class _Waiting(NamedTuple):
    """A frame whose square is not known yet: frames to come have a say in it."""

    place: int
    image: np.ndarray
    points: np.ndarray


class ClipWriter:
    """Frames `0000001.jpg`, …, numbered by their time in the video, and `landmarks68.npy` beside them.

    Images wait in memory only as long as the window of smoothing reaches ahead.
    """

    def __init__(self, folder: Path, track: Track, fps: Fraction, size: int, scale: float) -> None:
        """
        Args:
            folder: of the clip; it is made here.
            track: the face; it grows while frames are added.
            fps: samples per second.
            size: height and width of the crops in pixels.
            scale: the crop's side over that of the face's box.
        """
        self.folder = folder
        self.track = track
        self._fps = float(fps)
        self._window = math.ceil(REACH * fps)
        self._size = size
        self._scale = scale
        self._waiting: deque[_Waiting] = deque()
        self._points: list[np.ndarray] = []
        folder.mkdir(parents=True)

    def add(self, image: np.ndarray, points: np.ndarray) -> None:
        """Takes up the track's newest frame.

        Args:
            image: [H, W, 3] uint8 RGB, the whole frame.
            points: [68, 2] in its pixels.
        """
        newest = len(self.track.numbers) - 1
        self._waiting.append(_Waiting(newest, image, points))
        while self._seconds(self._waiting[0].place, newest) > REACH:
            self._write(self._waiting.popleft())

    def finish(self) -> None:
        """Writes what has waited, and the landmarks."""
        while self._waiting:
            self._write(self._waiting.popleft())
        np.save(self.folder / LANDMARKS_FILE, np.stack(self._points))

    def discard(self) -> None:
        """Removes the clip."""
        shutil.rmtree(self.folder)

    def _seconds(self, first: int, last: int) -> float:
        return (self.track.numbers[last] - self.track.numbers[first]) / self._fps

    def _write(self, frame: _Waiting) -> None:
        near = slice(max(0, frame.place - self._window), frame.place + self._window + 1)
        times = np.array(self.track.numbers[near]) / self._fps
        number = self.track.numbers[frame.place]
        square = smoothed(np.stack(self.track.boxes[near]), times, number / self._fps)
        square[2] *= self._scale
        crop = cut_out(frame.image, square, self._size)
        crop.save(self.folder / f"{number + 1:07d}.jpg", quality=JPEG_QUALITY)
        self._points.append(points_in(frame.points, square, self._size))


def seconds(track: Track, fps: Fraction) -> float:
    """How long a track is, its last frame included."""
    return float((track.numbers[-1] - track.numbers[0] + 1) / fps)


def is_sparse(track: Track) -> bool:
    """Whether no two frames of a track are neighbours in time: the video's own rate is lower than the chosen one.

    The times of such frames could not be told from their numbers.
    """
    return len(track.numbers) > 1 and all(later - earlier > 1 for earlier, later in pairwise(track.numbers))
