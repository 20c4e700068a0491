"""What a benchmark says while it runs."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from helpers.bench import bench_of, job
from helpers.golden import Golden
from rich.console import Console

from ssltoolbox.bench.child import Child
from ssltoolbox.bench.display import Display, leaderboard_table
from ssltoolbox.bench.estimate import Estimates, Progress, progress_of
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.schedule import JobSchedule, JobState

DONE, FAILED, GOING, LATER = job("simclr"), job("byol", 1), job("g", 0, {"data.world": 1}), job("f")


class FakeChild(Child):
    """A run that nobody started."""

    def __init__(self, its: Job, seconds: float, resumed: bool = False, waits: str = "") -> None:
        self.job = its
        self.waits = waits
        self.resumed = resumed
        self.at = seconds

    @property
    def seconds(self) -> float:
        return self.at


@pytest.fixture
def folder(tmp_path: Path) -> BenchFolder:
    folder = BenchFolder(tmp_path)
    folder.begin(DONE)
    folder.end(DONE, seconds=75.0, exit_code=0, peak_memory=1)
    run = folder.run(GOING)
    run.mkdir(parents=True)
    (run / "metrics.csv").write_text("step,loss\n10,5.0\n20,4.0\n30,3.")
    (run / "checkpoints").mkdir()
    (run / "checkpoints" / "last.ckpt").touch()
    return folder


@pytest.fixture
def schedule() -> JobSchedule:
    states = {DONE: JobState.DONE, FAILED: JobState.FAILED, GOING: JobState.RUNNING, LATER: JobState.WAITING}
    fake = SimpleNamespace(
        states=states,
        reasons={FAILED: "failed: OSError: disk full"},
        children=[FakeChild(GOING, seconds=42.0)],
        side_by_side=1,
        of=lambda state: [job for job, its in states.items() if its is state],
    )
    return cast(JobSchedule, fake)


def display(
    schedule: JobSchedule, folder: BenchFolder, width: int = 80, **console: Any
) -> tuple[Display, io.StringIO]:
    out = io.StringIO()
    bench = bench_of({"simclr": [0.31]})
    shown = Display(
        Console(file=out, width=width, **console), schedule, folder, Estimates(folder), lambda: bench
    )
    return shown, out


def test_a_line_is_printed_for_each_event(schedule: JobSchedule, folder: BenchFolder, golden: Golden) -> None:
    shown, out = display(schedule, folder)
    with shown:
        shown.started(LATER)
        shown.started(GOING)
        shown.ended(DONE)
        shown.ended(FAILED)
        shown.tick()
        shown.stopping(2)
    golden(out.getvalue())


def test_a_run_that_has_saved_nothing_starts_anew(
    schedule: JobSchedule, folder: BenchFolder, golden: Golden
) -> None:
    (folder.run(GOING) / "checkpoints" / "last.ckpt").unlink()
    shown, out = display(schedule, folder)
    shown.started(GOING)
    golden(out.getvalue())


def test_now_and_then_a_line_without_a_terminal(
    schedule: JobSchedule, folder: BenchFolder, monkeypatch: pytest.MonkeyPatch, golden: Golden
) -> None:
    monkeypatch.setattr("ssltoolbox.bench.display.SECONDS_BETWEEN_LINES", 0.0)
    shown, out = display(schedule, folder)
    shown.tick()
    golden(out.getvalue())


@pytest.mark.parametrize("terminal", [False, True])
def test_runs_in_the_queue_of_a_cluster(
    schedule: JobSchedule,
    folder: BenchFolder,
    monkeypatch: pytest.MonkeyPatch,
    golden: Golden,
    terminal: bool,
) -> None:
    monkeypatch.setattr("ssltoolbox.bench.display.SECONDS_BETWEEN_LINES", 0.0)
    queued = [FakeChild(FAILED, 0.0, waits="Resources"), FakeChild(LATER, 0.0, waits="Priority")]
    schedule.children += queued
    schedule.states.update((child.job, JobState.RUNNING) for child in queued)
    shown, out = display(schedule, folder, force_terminal=terminal, color_system=None)
    with shown:
        shown.tick()
    golden("\n".join(line.rstrip() for line in out.getvalue().splitlines()))


def test_a_picture_in_a_terminal(schedule: JobSchedule, folder: BenchFolder, golden: Golden) -> None:
    shown, out = display(schedule, folder, force_terminal=True, color_system=None)
    with shown:
        shown.tick()
    golden("\n".join(line.rstrip() for line in out.getvalue().splitlines()))


def test_the_leaderboard_fits_on_80_columns() -> None:
    bench = bench_of({"supervised-with-labels": [0.1, 0.2], "g": [0.3, 0.4]})
    for run in bench.finished.values():
        both = {"ccc": 0.25, "metrics": [{"key": "ccc", "label": "CCC", "better": "higher"}]}
        run.evaluation.update({"valence": both, "arousal": both, "more": {"x": 0.5}})  # type: ignore[attr-defined]
    out = io.StringIO()
    Console(file=out, width=80).print(leaderboard_table(bench.overall))
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[2].split() == ["g", "2", "0.350±0.071", "0.650±0.071", "0.250±0.000", "0.250±0.000"]
    assert "…" not in out.getvalue()


def test_a_narrow_terminal_shows_lists(schedule: JobSchedule, folder: BenchFolder) -> None:
    shown, out = display(schedule, folder, width=30, force_terminal=True, color_system=None)
    with shown:
        shown.tick()
    lines = out.getvalue().splitlines()
    assert any(line.startswith("  step 20/100, for 42 s") for line in lines)
    assert "simclr, 1 run" in lines
    assert "  expression macro-F1 ↑: 0.310" in lines


def test_progress_of_a_run(tmp_path: Path) -> None:
    assert progress_of(tmp_path) == Progress(0, trained=False)
    metrics = tmp_path / "metrics.csv"
    metrics.write_text("step,loss\n")
    assert progress_of(tmp_path).step == 0
    rows = "".join(f"{step},{step / 7}\n" for step in range(1, 2001))
    metrics.write_text(f"step,loss\n{rows}2001,0.")
    assert progress_of(tmp_path).step == 2000
    (tmp_path / "backbone.safetensors").touch()
    assert progress_of(tmp_path).trained


def test_the_time_that_is_left(folder: BenchFolder, golden: Golden) -> None:
    """By the runs before it; for a run that goes on, by the pace since it was first looked at."""
    estimates = Estimates(folder)
    assert estimates.of(job("simclr", 5)) == 75.0
    assert estimates.of(LATER) is None
    assert estimates.left(FakeChild(job("simclr", 5), seconds=30.0)) == 45.0
    going = FakeChild(GOING, seconds=10.0, resumed=True)
    assert estimates.left(going) is None
    going.at = 20.0
    (folder.run(GOING) / "metrics.csv").write_text("step,loss\n20,4\n40,4\n")
    assert estimates.left(going) == 60 * 10.0 / 20
    assert estimates.left_in_words([job("simclr", 6)], [going], 2) == "about 52 s"
    golden(estimates.left_in_words([LATER], [going], 1))
