"""Small videos without loss, with the time stamps that a test asks for."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

TICKS = 600


def write_video(
    path: Path,
    frames: Sequence[np.ndarray],
    fps: float = 25,
    *,
    times: Sequence[float] | None = None,
    rotation: int = 0,
    aspect: int = 1,
    title: str = "",
) -> Path:
    """Writes [H, W, 3] frames to a QuickTime file.

    Args:
        path: the file, in a folder that is made.
        frames: uint8 RGB.
        fps: frames per second where there are no times.
        times: seconds at which the frames are shown.
        rotation: degrees by which a player is to turn them counterclockwise.
        aspect: width of a pixel over its height.
        title: of the metadata.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    shown = [number / fps for number in range(len(frames))] if times is None else times
    with av.open(str(path), "w", format="mov") as container:
        container.metadata["title"] = title
        stream = container.add_stream("png", rate=25)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "rgb24"
        stream.time_base = stream.codec_context.time_base = Fraction(1, TICKS)
        stream.codec_context.sample_aspect_ratio = Fraction(aspect)
        if rotation:
            stream.set_display_rotation(rotation)
        for pixels, time in zip(frames, shown, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
            frame.pts, frame.time_base = round(time * TICKS), Fraction(1, TICKS)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def write_stream(path: Path, *parts: Sequence[np.ndarray], fps: int = 25) -> Path:
    """Writes transport streams of [H, W, 3] frames one behind the other: the time stamps of each start anew."""
    path.parent.mkdir(parents=True, exist_ok=True)
    joined = b""
    for frames in parts:
        content = io.BytesIO()
        with av.open(content, "w", format="mpegts") as container:
            stream = container.add_stream("mpeg2video", rate=fps)
            stream.height, stream.width = frames[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for pixels in frames:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
        joined += content.getvalue()
    path.write_bytes(joined)
    return path


def scene(*faces: tuple[float, float, float], colour: tuple[int, int, int] = (60, 90, 120)) -> np.ndarray:
    """[120, 160, 3] a background with a red square for each (left, top, side), as `helpers.spots` finds them."""
    image = np.empty((120, 160, 3), dtype=np.uint8)
    image[:] = colour
    for left, top, side in faces:
        rows, columns = (slice(round(start), round(start + side)) for start in (top, left))
        image[rows, columns] = (220, 20, 20)
    return image
