"""Processes in turn and side by side: failures, stops, runs that are done already, code that changes."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import pytest
from helpers.bench import GOOD, job

import ssltoolbox.bench.schedule as schedule_module
from ssltoolbox.bench.child import Child, Running
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.launcher import Processes
from ssltoolbox.bench.on_node import TAKEN
from ssltoolbox.bench.schedule import JobSchedule, JobState
from ssltoolbox.bench.share import Share
from ssltoolbox.support.interruption import STOP_SIGNALS

SLEEPS_UNTIL_TERM = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
open('begun', 'w').close()
time.sleep(60)
"""
IGNORES_TERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); open('begun', 'w'); time.sleep(60)"
)
SAVES_AT_TERM = """
import signal, sys, time
def save(*_):
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    time.sleep(1)
    sys.exit(130)
signal.signal(signal.SIGTERM, save)
open('begun', 'w').close()
time.sleep(60)
"""
JOBS = [job("a"), job("b"), job("c")]


class Heard:
    """A listener that remembers, and may do something when it looks."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.most_at_once = 0
        self.schedule: JobSchedule | None = None

    def started(self, job: Job) -> None:
        self.said.append(f"started {job.recipe}")

    def ended(self, job: Job) -> None:
        self.said.append(f"ended {job.recipe}")

    def stopping(self, count: int) -> None:
        self.said.append(f"stopping {count}")

    def tick(self) -> None:
        if self.schedule:
            self.most_at_once = max(self.most_at_once, len(self.schedule.children))


def run(folder: BenchFolder, heard: Heard, side_by_side: int = 1, jobs: list[Job] = JOBS) -> JobSchedule:
    schedule = JobSchedule(jobs, folder, side_by_side, code="1")
    heard.schedule = schedule
    schedule.run(heard)
    return schedule


def test_jobs_run_one_after_the_other(scripts: dict[str, str], folder: BenchFolder) -> None:
    heard = Heard()
    schedule = run(folder, heard)
    assert heard.said == ["started a", "ended a", "started b", "ended b", "started c", "ended c"]
    assert set(schedule.states.values()) == {JobState.DONE}
    record = folder.record(JOBS[0])
    assert record.succeeded
    assert record.seconds is not None
    assert 0 < record.seconds < 60
    assert record.peak_memory is not None
    # Linux counts what the starting process held for the child too.
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert 2**20 < record.peak_memory < 2**30 + own


def test_jobs_run_side_by_side(scripts: dict[str, str], folder: BenchFolder) -> None:
    """Each waits until it sees the other."""
    meet = "import pathlib, time\nwhile len([*pathlib.Path('..').glob('*/here')]) < 2: time.sleep(0.01)\n"
    scripts["a"] = scripts["b"] = f"open('here', 'w').close()\n{meet}{GOOD}"
    heard = Heard()
    schedule = run(folder, heard, side_by_side=2)
    assert heard.most_at_once == 2
    assert set(schedule.states.values()) == {JobState.DONE}


def test_more_side_by_side_than_cores(
    scripts: dict[str, str], folder: BenchFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ssltoolbox.bench.launcher.shares", lambda count: [Share(cores=(0,))] * count)
    heard = Heard()
    schedule = run(folder, heard, side_by_side=3)
    assert heard.said[:3] == ["started a", "started b", "started c"]
    assert set(schedule.states.values()) == {JobState.DONE}


def test_a_failure_stops_no_other(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["a"] = "print('working'); import sys; sys.exit('failed: ValueError: not finite')"
    scripts["b"] = "import os; os.kill(os.getpid(), 9)"
    schedule = run(folder, Heard())
    assert [schedule.states[job] for job in JOBS] == [JobState.FAILED, JobState.FAILED, JobState.DONE]
    assert schedule.reasons == {JOBS[0]: "failed: ValueError: not finite", JOBS[1]: "ended by SIGKILL"}
    assert "working" in folder.output(JOBS[0]).read_text()


def test_what_is_finished_is_not_run_again(scripts: dict[str, str], folder: BenchFolder) -> None:
    run(folder, Heard(), jobs=JOBS[:2])
    folder.run(JOBS[1]).joinpath("evaluation.json").unlink()
    heard = Heard()
    schedule = run(folder, heard)
    assert heard.said == ["started b", "ended b", "started c", "ended c"]
    assert schedule.states[JOBS[0]] is JobState.CACHED
    assert len(folder.record(JOBS[1]).attempts) == 2


def test_what_failed_is_tried_again(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["a"] = "raise SystemExit(1)"
    assert run(folder, Heard()).reasons == {JOBS[0]: "exit code 1"}
    scripts["a"] = GOOD
    schedule = run(folder, Heard())
    assert [schedule.states[job] for job in JOBS] == [JobState.DONE, JobState.CACHED, JobState.CACHED]


class Interrupts(Heard):
    """Sends signals to this process once the run has begun."""

    def __init__(self, folder: BenchFolder, *numbers: int) -> None:
        super().__init__()
        self._begun = folder.run(JOBS[0]) / "begun"
        self._numbers = list(numbers)

    def tick(self) -> None:
        if self._begun.exists() and self._numbers:
            os.kill(os.getpid(), self._numbers.pop(0))


@pytest.mark.parametrize("number", STOP_SIGNALS)
def test_a_signal_stops_the_running_job_and_starts_no_other(
    scripts: dict[str, str], folder: BenchFolder, number: int
) -> None:
    scripts["a"] = SLEEPS_UNTIL_TERM
    before = signal.getsignal(number)
    heard = Interrupts(folder, number)
    schedule = run(folder, heard)
    assert heard.said == ["started a", "stopping 1", "ended a"]
    assert schedule.interrupted
    assert [schedule.states[job] for job in JOBS] == [JobState.STOPPED, JobState.WAITING, JobState.WAITING]
    assert folder.record(JOBS[0]).attempts[-1].exit_code == 130
    assert signal.getsignal(number) is before


def test_a_second_signal_ends_the_runs_at_once(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["a"] = IGNORES_TERM
    schedule = run(folder, Interrupts(folder, signal.SIGINT, signal.SIGINT))
    assert schedule.states[JOBS[0]] is JobState.STOPPED
    assert folder.record(JOBS[0]).attempts[-1].exit_code == -signal.SIGKILL


def test_a_scheduler_that_repeats_its_signal_lets_the_run_save(
    scripts: dict[str, str], folder: BenchFolder
) -> None:
    scripts["a"] = SAVES_AT_TERM
    heard = Interrupts(folder, *[signal.SIGTERM] * 4)
    schedule = run(folder, heard)
    assert heard.said == ["started a", "stopping 1", "ended a"]
    assert schedule.states[JOBS[0]] is JobState.STOPPED
    assert folder.record(JOBS[0]).attempts[-1].exit_code == 130


def test_a_run_that_outlived_its_benchmark_is_waited_for(
    scripts: dict[str, str], folder: BenchFolder
) -> None:
    """It holds its folder's lock; meanwhile it counts as one of those side by side."""
    code = (
        "import sys, time, pathlib; from ssltoolbox.support.files import locked\n"
        "with locked(pathlib.Path(sys.argv[1])):\n"
        "    print('in', flush=True); time.sleep(1)"
    )
    orphan = subprocess.Popen(
        [sys.executable, "-c", code, str(folder.run(JOBS[0]))], stdout=subprocess.PIPE, text=True
    )
    assert orphan.stdout is not None
    assert orphan.stdout.readline() == "in\n"
    schedule = JobSchedule(JOBS, folder, 1, code="1")
    assert schedule.of(JobState.ELSEWHERE) == JOBS[:1]
    heard = Heard()
    schedule.run(heard)
    assert heard.said[0] == "started a"
    assert orphan.wait() == 0
    orphan.stdout.close()
    assert set(schedule.states.values()) == {JobState.DONE}


class Other(Heard):
    """Another benchmark of the folder: it has a run from the start, and ends it when this one starts its next."""

    def __init__(self, folder: BenchFolder, exit_code: int) -> None:
        super().__init__()
        self._folder = folder
        self._exit_code = exit_code
        self._claim = folder.claim(JOBS[0])
        folder.begin(JOBS[0])

    def started(self, job: Job) -> None:
        super().started(job)
        if self._claim:
            folder = self._folder
            folder.run(JOBS[0]).mkdir(parents=True, exist_ok=True)
            if self._exit_code == 0:
                folder.run(JOBS[0]).joinpath("evaluation.json").write_text("{}")
            folder.end(JOBS[0], 1.0, self._exit_code, 1)
            self._claim.release()
            self._claim = None


@pytest.mark.parametrize(
    ("exit_code", "state", "attempts"),
    [(0, JobState.DONE, 1), (1, JobState.FAILED, 1), (130, JobState.DONE, 2)],
)
def test_two_benchmarks_share_a_folder(
    scripts: dict[str, str], folder: BenchFolder, exit_code: int, state: JobState, attempts: int
) -> None:
    """What the other one does is not done here; what it was stopped at is."""
    schedule = JobSchedule(JOBS, folder, 1, code="1")
    heard = Other(folder, exit_code)
    schedule.run(heard)
    assert heard.said[0] == "started b"
    assert [schedule.states[job] for job in JOBS] == [state, JobState.DONE, JobState.DONE]
    assert len(folder.record(JOBS[0]).attempts) == attempts
    assert (JOBS[0] in schedule.reasons) == (state is JobState.FAILED)


class TakenByAUser(Processes):
    """A run that a user has started before its job began, and that is done a little later."""

    def start(self, jobs: Sequence[Job]) -> Sequence[Running]:
        [run] = jobs
        self._folder.run(run).mkdir(parents=True)
        self._folder.run(run).joinpath("evaluation.json").write_text("{}")
        return [cast(Running, SimpleNamespace(job=run, exit_code=TAKEN, ended=lambda: True))]


def test_a_run_that_somebody_else_has_taken_is_waited_for(
    scripts: dict[str, str], folder: BenchFolder
) -> None:
    schedule = JobSchedule(JOBS[:1], folder, 1, code="1", launcher=TakenByAUser(folder, 1))
    heard = Heard()
    schedule.run(heard)
    assert heard.said[-1] == "ended a"
    assert not schedule.reasons
    assert schedule.states == {JOBS[0]: JobState.DONE}


class Finds(Processes):
    """An earlier benchmark has started a run."""

    def find(self, jobs: Sequence[Job]) -> Sequence[Child]:
        return super().start(jobs[:1])


def test_a_run_of_an_earlier_benchmark_goes_on(scripts: dict[str, str], folder: BenchFolder) -> None:
    schedule = JobSchedule(JOBS[:2], folder, 1, code="1", launcher=Finds(folder, 1))
    assert [child.job for child in schedule.children] == JOBS[:1]
    heard = Heard()
    schedule.run(heard)
    assert heard.said == ["ended a", "started b", "ended b"]


def test_a_run_that_a_user_has_made_is_not_started(scripts: dict[str, str], folder: BenchFolder) -> None:
    folder.run(JOBS[0]).mkdir(parents=True)
    folder.run(JOBS[0]).joinpath("evaluation.json").write_text("{}")
    heard = Heard()
    assert run(folder, heard, jobs=JOBS[:2]).states[JOBS[0]] is JobState.CACHED
    assert heard.said == ["started b", "ended b"]


def test_no_run_is_started_with_other_code(
    scripts: dict[str, str], folder: BenchFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    versions = iter(["1", "2"])
    monkeypatch.setattr(schedule_module, "code_version", lambda: next(versions))
    schedule = run(folder, Heard())
    assert schedule.code_changed
    assert [schedule.states[job] for job in JOBS] == [JobState.DONE, JobState.WAITING, JobState.WAITING]


def test_the_time_of_a_killed_benchmark_is_counted_to_the_last_sign_of_life(folder: BenchFolder) -> None:
    its = JOBS[0]
    folder.begin(its)
    assert folder.record(its).seconds is None
    folder.run(its).mkdir(parents=True)
    sign = folder.run(its) / "metrics.csv"
    sign.write_text("step\n1\n")
    later = time.time() + 100
    for path in (sign, folder.run(its)):
        os.utime(path, (later, later))
    folder.begin(its)
    assert folder.record(its).attempts[0].seconds == pytest.approx(100, abs=3)
    folder.end(its, seconds=7.0, exit_code=0, peak_memory=5)
    assert folder.record(its).seconds == pytest.approx(107, abs=3)
