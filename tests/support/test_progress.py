"""The time left is that of the work to do, whatever was done before."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from ssltoolbox.support import progress as module
from ssltoolbox.support.progress import ProgressLine, progress


class Clock:
    """Seconds that a test sets."""

    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def shown(clock: Clock, ticks: list[tuple[float, int]], *, terminal: bool) -> str:
    """The last thing that is shown of 630 videos after these (seconds, videos done)."""
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=80, color_system=None)
    with progress(console, 630, "videos") as tick:
        for clock.now, done in ticks:
            tick(done)
    return [line for line in out.getvalue().splitlines() if "630" in line][-1]


@pytest.mark.parametrize("terminal", [True, False])
class TestTimeLeft:
    def test_the_time_left_of_a_resumed_run_counts_its_own_steps(self, clock: Clock, terminal: bool) -> None:
        """420 of 630 were done before; ten more take 20 s each, so 200 are left."""
        ticks = [(0.0, 420), *((20.0 * step, 1) for step in range(1, 11))]
        line = shown(clock, ticks, terminal=terminal)
        assert "430/630" in line
        assert "1:06:40 left" in line

    def test_when_processes_finish_together(self, clock: Clock, terminal: bool) -> None:
        """Four videos in 240 s are 60 s each, though the last two come within ten."""
        ticks = [(0.0, 0), (119.0, 1), (120.0, 1), (229.0, 1), (240.0, 1)]
        assert "10:26:00 left" in shown(clock, ticks, terminal=terminal)

    def test_before_anything_is_done(self, clock: Clock, terminal: bool) -> None:
        assert "left" not in shown(clock, [(0.0, 600), (20.0, 0)], terminal=terminal)

    def test_work_under_way_counts(self, clock: Clock, terminal: bool) -> None:
        """A quarter of one video in 20 s, so 629.75 videos take 80 s each."""
        out = io.StringIO()
        console = Console(file=out, force_terminal=terminal, width=80, color_system=None)
        line = ProgressLine(console, 630, "videos")
        line.start()
        line.advance(0)
        clock.now = 20.0
        line.advance(0, "a.mov", under_way=0.25)
        line.stop()
        assert "0/630" in out.getvalue()
        assert "a.mov  13:59:40 left" in out.getvalue()


@pytest.mark.parametrize(
    ("width", "note"), [(40, "epoch 2  13:00 left"), (80, "epoch 2  loss 2.5  9 images/s  13:00 left")]
)
def test_a_narrow_terminal_keeps_the_count_and_the_time(clock: Clock, width: int, note: str) -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=width, color_system=None)
    line = ProgressLine(console, 1000, "step")
    line.start()
    line.advance(0)
    clock.now = 195.0
    line.advance(200, "epoch 2  loss 2.5  9 images/s")
    line.stop()
    lines = [text.split("\r")[-1].rstrip() for text in out.getvalue().splitlines()]
    (last,) = {text for text in lines if note in text}
    assert "step  200/1000" in last
    assert "…" not in last
    assert ("loss 2.5  9 images/s" in lines) == (width == 40)
