"""Writes a video with the boxes of its faces and what was predicted for them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ssltoolbox.api import UserError
from ssltoolbox.data.extract.reading import VideoReader, frame_rate
from ssltoolbox.engine.predict.gathered import FaceCurve
from ssltoolbox.engine.predict.predictor import Shown, by_output
from ssltoolbox.support.files import replaced
from ssltoolbox.support.fonts import font_of

LONGEST = 1280
"""Longer side in pixels of the video that is written; smaller videos keep their size."""
FASTEST = Fraction(60)
"""Frames per second at most."""
FORMATS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska"}
BRIDGED = 1.5
"""Steps between two predictions that are interpolated; in longer gaps a face is not shown."""
COLOURS = ("#ffd166", "#06d6a0", "#4cc9f0", "#f78c6b", "#c77dff", "#b8de6f")
_Corners = tuple[float, float, float, float]
"""Left, top, right and bottom in pixels."""


def check_video(path: Path) -> None:
    """
    Raises:
        UserError: where the ending is none of `FORMATS`.
    """
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{path}: its name says no type of video", f"end it in {', '.join(FORMATS)}")


def write_overlay(
    video: Path,
    output: Path,
    curves: Sequence[FaceCurve],
    outputs: Sequence[Shown],
    fps: Fraction,
    tick: Callable[[int, int], object],
) -> None:
    """Writes the video without sound, at its own rate. Boxes and numbers between two predictions are interpolated.

    Args:
        video: the video that the faces are of.
        output: where to write it; see `FORMATS`.
        curves: its faces.
        outputs: what was predicted.
        fps: predictions per second.
        tick: called with the number of frames that are written, and of those that are expected.

    Raises:
        UnreadableVideo: if it can't be read any more.
        SslToolboxError: where it can't be written.
    """
    import av  # an optional library, which reading the video has needed already

    rate = min(frame_rate(video), FASTEST)
    reader = VideoReader(video, rate, 1)
    painter = None
    with (
        replaced(output) as part,
        av.open(str(part), "w", format=FORMATS[output.suffix.lower()]) as container,
    ):
        stream = container.add_stream("libx264", rate=rate, options={"crf": "20", "preset": "veryfast"})
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = 1 / rate
        for count, sample in enumerate(reader, start=1):
            if painter is None:
                painter = _Overlay(sample.image.shape, curves, outputs, float(1 / fps))
                stream.width, stream.height = painter.size
            image = painter.painted(sample.image, sample.number / float(rate))
            frame = av.VideoFrame.from_image(image)
            frame.pts, frame.time_base = sample.number, 1 / rate
            container.mux(stream.encode(frame))
            tick(count, reader.expected)
        container.mux(stream.encode())


class _Overlay:
    """Draws on the frames of one video."""

    def __init__(
        self, shape: tuple[int, ...], curves: Sequence[FaceCurve], outputs: Sequence[Shown], step: float
    ) -> None:
        height, width = shape[:2]
        self._factor = min(1.0, LONGEST / max(height, width))
        self.size = _even(width * self._factor), _even(height * self._factor)
        letters = max(11, round(min(self.size) / 26))
        self._font = font_of(letters)
        self._line = max(2, letters // 7)
        self._outputs, self._step = outputs, step
        self._faces = [(curve, _Track(curve)) for curve in curves]

    def painted(self, pixels: np.ndarray, time: float) -> Image.Image:
        """[H, W, 3] uint8 → the picture at that time."""
        image = Image.fromarray(pixels).resize(self.size, Image.Resampling.BILINEAR)
        draw = ImageDraw.Draw(image, "RGBA")
        seen = [(curve.face, track.at(time, self._step)) for curve, track in self._faces]
        faces = [(face, found[0] * self._factor, found[1]) for face, found in seen if found]
        for face, (left, top, width, height), _ in faces:
            corners = (left, top, left + width, top + height)
            draw.rectangle(corners, outline=_colour(face), width=self._line)
        taken: list[_Corners] = []
        for face, box, values in faces:
            taken.append(
                self._label(
                    draw,
                    box,
                    "\n".join([f"face {face}", *_lines(self._outputs, values)]),
                    _colour(face),
                    taken,
                )
            )
        return image

    def _label(
        self, draw: ImageDraw.ImageDraw, box: np.ndarray, text: str, colour: str, taken: Sequence[_Corners]
    ) -> _Corners:
        """Writes a text beside a box, where no other text is if there is room; gives its corners."""
        x0, y0, x1, y1 = draw.multiline_textbbox((0, 0), text, font=self._font)
        pad = self._line + 2
        wide, tall = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
        corners = _free_position(box, wide, tall, self.size, taken)
        x, y = corners[:2]
        draw.rectangle(corners, fill=(0, 0, 0, 170))
        draw.multiline_text((x + pad - x0, y + pad - y0), text, fill=colour, font=self._font)
        return corners


class _Track:
    """A face's boxes and predictions, at any time."""

    def __init__(self, curve: FaceCurve) -> None:
        order = np.argsort(curve.times, kind="stable")
        boxes = np.array([row.box for row in curve.rows], float)
        self._times = curve.times[order]
        self._content = np.concatenate([boxes, np.stack(curve.values)], axis=1)[order]

    def at(self, time: float, step: float) -> tuple[np.ndarray, np.ndarray] | None:
        """Box [4] and predictions [C] at a time; None where the face was not seen then.

        Args:
            time: seconds.
            step: seconds between two predictions. One holds for half of them, and to the next where that follows
                at once.
        """
        times = self._times
        after = int(np.searchsorted(times, time))
        if 0 < after < len(times) and times[after] - times[after - 1] <= BRIDGED * step:
            share = (time - times[after - 1]) / (times[after] - times[after - 1])
            found = (1 - share) * self._content[after - 1] + share * self._content[after]
        else:
            nearest = int(np.abs(times - time).argmin())
            if abs(times[nearest] - time) > step / 2:
                return None
            found = self._content[nearest]
        return found[:4], found[4:]


def _free_position(
    box: np.ndarray, wide: float, tall: float, size: tuple[int, int], taken: Sequence[_Corners]
) -> _Corners:
    """A position for a text in the picture: above the box, below it, or at its sides; above where all is taken."""
    left, top, width, height = (float(side) for side in box)
    corners = [(left, top - tall), (left, top + height), (left + width, top), (left - wide, top), (left, top)]
    positions = []
    for x, y in corners:
        within = min(max(0.0, x), size[0] - wide), min(max(0.0, y), size[1] - tall)
        position = (*within, within[0] + wide, within[1] + tall)
        # A text that is moved down or up into the picture would lie on the face.
        if within[1] == y:
            positions.append(position)
    positions = positions or [(0.0, 0.0, wide, tall)]
    return next(
        (position for position in positions if not any(_overlap(position, other) for other in taken)),
        positions[0],
    )


def _overlap(one: _Corners, other: _Corners) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _colour(face: int) -> str:
    return COLOURS[(face - 1) % len(COLOURS)]


def _lines(outputs: Sequence[Shown], values: np.ndarray) -> list[str]:
    """What is written beside a face: the likeliest class, numbers, and what is likelier than not."""
    lines = []
    for shown, own in by_output(outputs, values):
        if shown.output.kind == "classes":
            best = int(own.argmax())
            lines.append(f"{shown.output.names[best]} {own[best]:.2f}")
        elif shown.output.kind == "number":
            lines.append(f"{shown.title} {own[0]:+.2f}")
        else:
            yes = [name for name, value in zip(shown.output.names, own, strict=True) if value >= 0.5]
            lines.append(f"{shown.title}: {', '.join(yes) or 'none'}")
    return lines


def _even(side: float) -> int:
    return max(2, round(side / 2) * 2)
