"""A contact sheet of an index: some clips, one per row, with their landmarks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from ssltoolbox.data.images.source import StoredFrame
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.source import IndexSource
from ssltoolbox.support.files import replaced
from ssltoolbox.support.fonts import font_of
from ssltoolbox.support.words import counted

CLIPS, FRAMES = 8, 8
TILE, GAP, LINE = 112, 4, 22
"""Pixels: side of a frame, gap between frames, height of a clip's name above its frames."""
LETTERS = 12
"""Pixels of text."""
INK, PAPER, EMPTY, POINT = "#222222", "#ffffff", "#dddddd", "#00e676"


def write_sheet(index: FrameIndex, output: Path) -> None:
    """Writes a PNG of up to `CLIPS` clips, evenly spread over the index, with up to `FRAMES` frames each.

    Raises:
        UserError: where the path of an image leads out of the index's root.
        SslToolboxError: where it can't be written.
    """
    clips = spread_evenly(len(index.lengths), CLIPS)
    source = IndexSource(index, clips)
    rows = []
    width = _width(min(FRAMES, int(index.lengths[clips].max())))
    for line in range(len(clips)):
        times = source.times(line)
        frames = spread_evenly(len(times), FRAMES)
        title = _title(source.name(line), times, width)
        rows.append((title, list(source.read(line, frames.tolist(), TILE))))
    write_rows(rows, min(FRAMES, int(index.lengths[clips].max())), output)


def write_rows(rows: Iterable[tuple[str, Sequence[StoredFrame]]], columns: int, output: Path) -> None:
    """Writes a PNG with a line for each row: its title, and its images below.

    Raises:
        SslToolboxError: where it can't be written.
    """
    lines = list(rows)
    sheet = Image.new("RGB", (_width(columns), len(lines) * (LINE + TILE) + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    font = font_of(LETTERS)
    for line, (title, frames) in enumerate(lines):
        top = line * (LINE + TILE)
        draw.text((GAP, top + 4), title, INK, font)
        for column, frame in enumerate(frames):
            sheet.paste(_tile(frame), (GAP + column * (TILE + GAP), top + LINE))
    with replaced(output) as path:
        sheet.save(path, format="PNG")


def _width(columns: int) -> int:
    return columns * (TILE + GAP) + GAP


def spread_evenly(count: int, most: int) -> np.ndarray:
    """Up to `most` of 0 … count - 1, evenly spread, the ends among them."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _title(name: str, times: np.ndarray, width: int) -> str:
    """The title of a clip, shortened to the width."""
    facts = f"  {counted(len(times), 'frame')}, {times[-1] - times[0]:.1f} s"
    room = width // 8 - len(facts)
    return (name if len(name) <= room else f"…{name[-room:]}") + facts


def _tile(frame: StoredFrame) -> Image.Image:
    if frame.image is None:
        tile = Image.new("RGB", (TILE, TILE), EMPTY)
        ImageDraw.Draw(tile).text((8, TILE // 2 - 8), "can't be read", INK, font_of(LETTERS))
        return tile
    tile = Image.fromarray(frame.image.permute(1, 2, 0).numpy())
    if frame.landmarks is not None and np.isfinite(frame.landmarks).all():
        draw = ImageDraw.Draw(tile)
        for x, y in frame.landmarks.tolist():
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=POINT)
    return tile
