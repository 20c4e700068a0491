"""A contact sheet: a few clips of an index, a line each, with the landmarks where they are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ssltoolbox.data.images.source import StoredFrame
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.source import IndexSource
from ssltoolbox.support.files import replaced

CLIPS, FRAMES = 8, 8
TILE, GAP, LINE = 112, 4, 22
"""Pixels: a frame, the room between frames, and a clip's name above its frames."""
INK, PAPER, EMPTY, POINT = "#222222", "#ffffff", "#dddddd", "#00e676"


def write_sheet(index: FrameIndex, output: Path) -> None:
    """Writes a PNG of up to `CLIPS` clips, evenly spread over the index, with up to `FRAMES` frames each.

    Raises:
        UserError: where the path of an image leads out of the index's root.
        SslToolboxError: where it can't be written.
    """
    clips = _spread(len(index.lengths), CLIPS)
    source = IndexSource(index, clips)
    columns = min(FRAMES, int(index.lengths[clips].max()))
    size = (columns * (TILE + GAP) + GAP, len(clips) * (LINE + TILE) + GAP)
    sheet = Image.new("RGB", size, PAPER)
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(13)
    for line in range(len(clips)):
        top = line * (LINE + TILE)
        times = source.times(line)
        draw.text((GAP, top + 4), _title(source.name(line), times, size[0]), INK, font)
        frames = _spread(len(times), FRAMES)
        for column, frame in enumerate(source.read(line, frames.tolist(), TILE)):
            sheet.paste(_tile(frame), (GAP + column * (TILE + GAP), top + LINE))
    with replaced(output) as path:
        sheet.save(path, format="PNG")


def _spread(count: int, most: int) -> np.ndarray:
    """Up to `most` of 0 … count - 1, evenly spread, the ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _title(name: str, times: np.ndarray, width: int) -> str:
    """What stands above a clip, cut to what fits."""
    facts = f"  {len(times)} frames, {times[-1] - times[0]:.1f} s"
    room = width // 8 - len(facts)
    return (name if len(name) <= room else f"…{name[-room:]}") + facts


def _tile(frame: StoredFrame) -> Image.Image:
    if frame.image is None:
        tile = Image.new("RGB", (TILE, TILE), EMPTY)
        ImageDraw.Draw(tile).text((8, TILE // 2 - 8), "can't be read", INK, ImageFont.load_default(12))
        return tile
    tile = Image.fromarray(frame.image.permute(1, 2, 0).numpy())
    if frame.landmarks is not None and np.isfinite(frame.landmarks).all():
        draw = ImageDraw.Draw(tile)
        for x, y in frame.landmarks.tolist():
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=POINT)
    return tile
