"""Reads a video at a chosen rate, upright, and tells where it is cut.

PyAV decodes: its wheels bring FFmpeg. It is imported when a video is opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.extract.cuts import CutDetector

if TYPE_CHECKING:
    import av

INSTALL = "pip install 'ssltoolbox[video]'"


class UnreadableVideo(SslToolboxError):
    """A file of which not one frame can be decoded; the message is the reason."""


class Sample(NamedTuple):
    """A frame that was chosen.

    Attributes:
        number: its place in time: it is the frame nearest to `number / fps` seconds from the video's first.
        shot: counts the cuts before it.
        image: [H, W, 3] uint8 RGB, upright.
    """

    number: int
    shot: int
    image: np.ndarray


class _Timed(NamedTuple):
    """A decoded frame and its time in seconds."""

    time: Fraction
    frame: av.VideoFrame


class _Placed(NamedTuple):
    """A frame in its shot; `position` is its time in samples, `number` that rounded."""

    shot: int
    number: int
    position: Fraction
    frame: av.VideoFrame


class VideoReader:
    """The samples of one video, in order, one frame in memory at a time.

    Frames are chosen by their own time stamps, so that variable rates do no harm; where a video has no frame
    near a time, that number is left out. Packets and frames that are damaged are skipped.

    Attributes:
        damaged: how many packets and frames were skipped so far.
    """

    def __init__(self, path: Path, fps: Fraction, cut: float) -> None:
        """
        Args:
            path: the file.
            fps: samples per second.
            cut: see `CutDetector`.
        """
        self.path = path
        self.fps = fps
        self.cut = cut
        self.damaged = 0

    def __iter__(self) -> Iterator[Sample]:
        """
        Raises:
            UnreadableVideo: where not one frame can be decoded.
            UserError: where PyAV is not installed.
        """
        pyav = _pyav()
        try:
            with pyav.open(str(self.path)) as container:
                stream = container.streams.best("video")
                if stream is None:
                    raise UnreadableVideo("there is no picture in it")
                aspect = stream.sample_aspect_ratio or Fraction(1)
                placed = self._placed(self._decoded(container, stream))
                for (shot, number), near in groupby(placed, key=lambda one: (one.shot, one.number)):
                    nearest = min(near, key=lambda one: abs(one.position - number))
                    yield Sample(number, shot, _upright(nearest.frame, aspect))
        except (pyav.FFmpegError, OSError) as error:
            raise UnreadableVideo(getattr(error, "strerror", None) or first_line(error)) from error

    def _decoded(self, container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[_Timed]:
        pyav = _pyav()
        packets = container.demux(stream)
        some = False
        while True:
            try:
                frames = next(packets).decode()
            except StopIteration:
                break
            except pyav.InvalidDataError:
                self.damaged += 1
                continue
            for frame in frames:
                if frame.is_corrupt or frame.pts is None or frame.time_base is None:
                    self.damaged += 1
                else:
                    some = True
                    yield _Timed(frame.pts * frame.time_base, frame)
        if not some:
            raise UnreadableVideo("not one frame can be decoded")

    def _placed(self, frames: Iterator[_Timed]) -> Iterator[_Placed]:
        cuts = CutDetector(self.cut)
        start: Fraction | None = None
        last = Fraction(-1)
        for time, frame in frames:
            start = time if start is None else start
            position = (time - start) * self.fps
            if position <= last:
                self.damaged += 1
                continue
            last = position
            yield _Placed(cuts.shot(frame), math.floor(position + Fraction(1, 2)), position, frame)


def _upright(frame: av.VideoFrame, aspect: Fraction) -> np.ndarray:
    """[H, W, 3] uint8 RGB with square pixels, turned as the video's metadata say."""
    image = frame.to_ndarray(format="rgb24", width=round(frame.width * aspect), height=frame.height)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise UserError(f"videos are read by PyAV, which can't be imported ({error})", INSTALL) from error
    return av
