"""What `data info` counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from ssltoolbox_hard_neg import HardNegOptions
from ssltoolbox_hard_neg.sampler import HardNeg

from ssltoolbox.data.index.build import build_index
from ssltoolbox.data.index.folders import list_folder
from ssltoolbox.data.index.info import IndexInfo, clips_long_enough, index_info
from ssltoolbox.data.index.reader import FrameIndex
from ssltoolbox.data.index.sheet import GAP, LINE, TILE, write_rows, write_sheet

Put = Callable[..., Path]


@pytest.fixture
def index(tmp_path: Path, put_clip: Put) -> FrameIndex:
    """Clips of 13, 12 and 3 frames at 25/6 per second; the last has landmarks of two of them."""
    put_clip("frames/a/v/c", [f"{n:02d}.png" for n in range(13)])
    put_clip("frames/a/v/d", [f"{n:02d}.png" for n in range(12)], size=(20, 10))
    points = np.full((3, 68, 2), 5.0)
    points[1] = np.nan
    np.save(put_clip("frames/b/v/c") / "landmarks68.npy", points)
    root = tmp_path / "frames"
    build_index(list_folder(root, 25 / 6), tmp_path / "i", workers=1, tick=lambda done: None)
    return FrameIndex(tmp_path / "i")


def test_info_counts_clips_frames_and_sizes(index: FrameIndex) -> None:
    info = index_info(index)
    assert info == IndexInfo(
        identities=2,
        videos=2,
        clips=3,
        frames=28,
        skipped=0,
        seconds=pytest.approx(25 * 6 / 25),
        fps=pytest.approx(25 / 6),
        shortest=3,
        median=12,
        longest=13,
        smallest=(20, 10),
        largest=(16, 16),
        detector="landmarks68.npy",
        faceless=26,
        labels={},
        stored="files",
    )


def test_strategies_are_asked(index: FrameIndex) -> None:
    """The paper's gap is twelve frames, so a clip needs thirteen."""
    for gap, enough in [(2.88, 1), (2.64, 2), (0.24, 3), (9, 0)]:
        sampler = HardNeg(HardNegOptions(gap=gap))
        assert clips_long_enough(index, lambda *place, s=sampler: bool(s.pick(*place))) == enough


def test_more_clips_are_no_more_checks_of_the_files(
    tmp_path: Path, put_clip: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = []
    monkeypatch.setattr(FrameIndex, "check_whole", lambda index: checks.append(index))
    counts = []
    for clips in (2, 8):
        for clip in range(clips):
            put_clip(f"{clips}/a/v/{clip}")
        root, path = tmp_path / str(clips), tmp_path / f"{clips}.index"
        build_index(list_folder(root, 25 / 6), path, workers=1, tick=lambda done: None)
        index = FrameIndex(path)
        checks.clear()
        assert clips_long_enough(index, lambda *_: True) == clips
        counts.append(len(checks))
    assert counts[0] == counts[1]


def test_the_contact_sheet_has_frames_and_landmarks(index: FrameIndex, tmp_path: Path) -> None:
    (index.root.place / "a/v/d/00.png").write_bytes(b"")
    write_sheet(index, tmp_path / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "sheet.png"))
    assert pixels.shape == (3 * (LINE + TILE) + GAP, 8 * (TILE + GAP) + GAP, 3)
    middle = [LINE + TILE // 2 + line * (LINE + TILE) for line in range(3)]
    first = GAP + TILE - 5
    assert [pixels[y, first].tolist() for y in middle] == [[90] * 3, [221] * 3, [90] * 3]
    point = round((5 + 0.5) * TILE / 16 - 0.5)
    assert pixels[2 * (LINE + TILE) + LINE + point, GAP + point].tolist() == [0, 230, 118]


def test_the_sheet_has_letters_of_other_languages(tmp_path: Path) -> None:
    """A font without them draws the same box for each."""
    for name in ("é", "ü", "ß", "Ж"):
        write_rows([(name, [])], 1, tmp_path / f"{name}.png")
    sheets = {(tmp_path / f"{name}.png").read_bytes() for name in ("é", "ü", "ß", "Ж")}
    assert len(sheets) == 4
