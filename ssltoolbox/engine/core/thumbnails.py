"""Small pictures of frames, for reports."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
from PIL import Image

from ssltoolbox.api import Dataset
from ssltoolbox.data.drawing.reading import read_frames

READ_AT_ONCE = 64


def thumbnails(dataset: Dataset, clip: np.ndarray, time: np.ndarray, side: int) -> Iterator[Image.Image]:
    """A picture of `side` pixels of each frame, in this order; a grey one of a frame that can't be read.

    Args:
        dataset: has the frames.
        clip: [n] clip numbers.
        time: [n] seconds within the clip.
        side: pixels.
    """
    frame = [
        int(np.abs(dataset.clip(c).times - t).argmin()) for c, t in zip(clip.tolist(), time, strict=True)
    ]
    for start in range(0, len(frame), READ_AT_ONCE):
        part = slice(start, start + READ_AT_ONCE)
        frames = read_frames(dataset, clip[part].tolist(), frame[part])
        for position, image in enumerate(frames.images.permute(0, 2, 3, 1).numpy()):
            if position in frames.unreadable:
                yield Image.new("RGB", (side, side), "grey")
            else:
                yield Image.fromarray(image).resize((side, side), Image.Resampling.LANCZOS)


def as_jpeg(picture: Image.Image, quality: int) -> bytes:
    """The file of a picture; Pillow's `quality`, 1 to 95."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return file.getvalue()
