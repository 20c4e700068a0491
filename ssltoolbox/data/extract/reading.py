"""Reads a video at a chosen rate, upright, and finds its cuts.

PyAV decodes; its wheels contain FFmpeg. It is imported when a video is opened.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.api.errors import first_line
from ssltoolbox.data.extract.colours import colour_histogram, share_changed
from ssltoolbox.support.paths import NOT_UTF8, RENAME, is_utf8

if TYPE_CHECKING:
    import av

INSTALL = "pip install 'ssltoolbox[video]'"
BREAK = 10
"""Seconds without a frame that end a shot."""
RESET = 1
"""A jump back by more than these seconds starts a new shot; a smaller one is a damaged frame."""
_SIDE = 64


class UnreadableVideo(SslToolboxError):
    """A video that can't be used; the message is the reason."""


class Sample(NamedTuple):
    """A sampled frame.

    Attributes:
        number: the frame is the nearest to `number / fps` seconds after the first frame.
        shot: the number of cuts before it.
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
    """A frame in its shot; `position` is its time in samples, `number` the rounded position."""

    shot: int
    number: int
    position: Fraction
    frame: av.VideoFrame


class VideoReader:
    """The samples of one video, in order, one frame in memory at a time.

    Frames are sampled by their time stamps, so variable frame rates are supported. A number without a frame near
    its time is left out. Damaged packets and frames are skipped. A new shot begins if time stamps start again, as
    in joined transport streams, or have a gap of `BREAK` seconds.

    Attributes:
        damaged: how many packets and frames were skipped so far.
        expected: how many samples there will be by the file's own account; 0 before the first sample, or where
            the file does not say.
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
        self.expected = 0

    def __iter__(self) -> Iterator[Sample]:
        """
        Raises:
            UnreadableVideo: if no frame can be decoded.
            UserError: if PyAV is not installed.
        """
        with _opened(self.path) as (container, stream):
            self.expected = _expected(container, stream, self.fps)
            aspect = stream.sample_aspect_ratio or Fraction(1)
            placed = self._placed(self._decoded(container, stream))
            for (shot, number), near in groupby(placed, key=lambda one: (one.shot, one.number)):
                nearest = min(near, key=lambda one: abs(one.position - number))
                yield Sample(number, shot, _upright(nearest.frame, aspect))

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
        cuts, clock = CutDetector(self.cut), _Timeline(self.fps)
        for time, frame in frames:
            position = clock.position(time)
            if position is None:
                self.damaged += 1
                continue
            shot = cuts.shot(frame) + clock.breaks
            yield _Placed(shot, math.floor(position + Fraction(1, 2)), position, frame)


class _Timeline:
    """Converts time stamps to strictly increasing positions in samples.

    Attributes:
        breaks: how often time stamps have started again or had a gap.
    """

    def __init__(self, fps: Fraction) -> None:
        self.breaks = 0
        self._fps = fps
        self._gap = max(Fraction(BREAK), 3 / fps)
        self._step = 1 / fps
        self._shift: Fraction | None = None
        self._last = Fraction(0)

    def position(self, stamp: Fraction) -> Fraction | None:
        """The position of a frame; None for a frame whose time stamp is too late.

        Args:
            stamp: its time in seconds.
        """
        if self._shift is None:
            self._shift = -stamp
            return Fraction(0)
        step = stamp + self._shift - self._last
        if step < -RESET:
            self._shift += self._step - step
            step = self._step
            self.breaks += 1
        elif step <= 0:
            return None
        elif step > self._gap:
            self.breaks += 1
        else:
            self._step = step
        self._last += step
        return self._last * self._fps


class CutDetector:
    """Counts cuts. A cut is a frame whose colours differ from those of the frame before.

    Args:
        threshold: the share of the picture, 0 to 1, whose colour must change; 1 finds no cuts.
            benchmarks/RESULTS.md has the shares within and between videos.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self._shot = 0
        self._before: np.ndarray | None = None

    def shot(self, frame: av.VideoFrame) -> int:
        """The number of the frame's shot, from 0. Call it for every frame, in order."""
        if self.threshold >= 1:
            return 0
        small = frame.to_ndarray(format="rgb24", width=_SIDE, height=_SIDE, interpolation="AREA")
        colours = colour_histogram(small)
        if self._before is not None and share_changed(colours, self._before) > self.threshold:
            self._shot += 1
        self._before = colours
        return self._shot


def _expected(container: av.container.InputContainer, stream: av.VideoStream, fps: Fraction) -> int:
    """The number of samples by the duration and the frames that the file names; 0 if it names neither."""
    duration = Fraction(0)
    if stream.duration and stream.time_base:
        duration = stream.duration * stream.time_base
    elif container.duration:
        duration = Fraction(container.duration, 1_000_000)
    counts = [int(duration * fps) + 1 if duration else 0, stream.frames]
    return min((count for count in counts if count > 0), default=0)


def _upright(frame: av.VideoFrame, aspect: Fraction) -> np.ndarray:
    """[H, W, 3] uint8 RGB with square pixels, turned as the video's metadata say."""
    image = frame.to_ndarray(format="rgb24", width=round(frame.width * aspect), height=frame.height)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90)))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """The file, open, and the stream of its pictures. Any error while it is open makes it an unreadable video."""
    pyav = _pyav()
    if not is_utf8(path):
        raise UnreadableVideo(f"{NOT_UTF8}; {RENAME}")
    try:
        with pyav.open(str(path), metadata_errors="replace") as container:
            stream = container.streams.best("video")
            if stream is None:
                raise UnreadableVideo("there is no picture in it")
            yield container, stream
    except SslToolboxError:
        raise
    # PyAV raises FFmpegError and OSError, and on odd files many others: UnicodeDecodeError, MemoryError, …
    except Exception as error:
        raise UnreadableVideo(getattr(error, "strerror", None) or first_line(error)) from error


def _pyav() -> Any:
    try:
        import av
    except ImportError as error:
        raise UserError(f"videos are read by PyAV, which can't be imported ({error})", INSTALL) from error
    return av


def frame_rate(path: Path) -> Fraction:
    """Frames per second of a video by the file's own account; 25 where it does not say.

    Raises:
        UnreadableVideo: if it can't be opened, or has no picture.
        UserError: if PyAV is not installed.
    """
    with _opened(path) as (_, stream):
        return Fraction(stream.average_rate or stream.guessed_rate or 25)
