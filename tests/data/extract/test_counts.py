"""Progress within videos: the frames of those under way count, and are shown."""

from __future__ import annotations

import io
import time
from multiprocessing import get_context

import pytest
from rich.console import Console

from ssltoolbox.data.extract import counts as module
from ssltoolbox.data.extract.counts import FrameCounts, frames_shown
from ssltoolbox.support.progress import ProgressLine


def test_videos_under_way_count_by_their_share() -> None:
    counts = FrameCounts(4)
    assert counts.under_way().share == 0
    counts.report(1, 30, 100)
    counts.report(3, 10, 20)
    now = counts.under_way()
    assert (now.positions.tolist(), now.looked_at, now.expected, now.share) == ([1, 3], 40, 120, 0.8)
    counts.finish(3)
    assert counts.under_way().positions.tolist() == [1]


def test_a_video_longer_than_its_header_counts_as_one_video() -> None:
    counts = FrameCounts(2)
    counts.report(0, 30, 20)
    counts.report(1, 5, 0)
    assert counts.under_way().share == 2
    assert counts.under_way().expected == 35


def test_other_processes_report_too() -> None:
    counts = FrameCounts(1)
    process = get_context("spawn").Process(target=counts.report, args=(0, 7, 70))
    process.start()
    process.join()
    assert (counts.under_way().looked_at, counts.under_way().expected) == (7, 70)


def shown(counts: FrameCounts, names: list[str], terminal: bool, work: list[tuple[int, int, int]]) -> str:
    """All that is shown while these (position, looked at, expected) are reported, one after another."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=100, color_system=None)
    line = ProgressLine(console, len(names), "videos", first_line=0.0)
    with frames_shown(line, counts, names) as tick:
        tick(0)
        for position, looked_at, expected in work:
            counts.report(position, looked_at, expected)
            time.sleep(0.01)
            tick(0)
    return out.getvalue()


def test_one_long_video_has_frames_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 60)
    text = shown(FrameCounts(1), ["talk.mp4"], True, [(0, 1, 4500), (0, 1200, 4500)])
    assert "talk.mp4 1,200/4,500 frames" in text
    assert "0/1" in text
    assert "left" in text


def test_several_videos_are_summed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 60)
    text = shown(FrameCounts(3), ["a", "b", "c"], True, [(0, 10, 100), (2, 20, 200)])
    assert "2 videos 30/300 frames" in text


def test_frames_are_shown_between_ends_of_videos(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody ticks while a long video is under way."""
    monkeypatch.setattr(module, "SECONDS_BETWEEN_LOOKS", 0.01)
    monkeypatch.setattr("ssltoolbox.support.progress.SECONDS_BETWEEN_LINES", 0.0)
    counts, out = FrameCounts(1), io.StringIO()
    line = ProgressLine(Console(file=out), 1, "videos", first_line=0.0)
    with frames_shown(line, counts, ["talk.mp4"]):
        counts.report(0, 5, 50)
        deadline = time.monotonic() + 20
        while "5/50" not in out.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert "talk.mp4 5/50 frames" in out.getvalue()
