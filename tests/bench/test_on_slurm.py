"""Runs as tasks of a job array on a real SLURM, where it is installed. It has one node, this machine."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from helpers.bench import GOOD, job
from helpers.cluster import missing, real_slurm

from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.grid import Requests
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.schedule import JobSchedule, JobState
from ssltoolbox.bench.submitted import Submitter

pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(missing()), reason=missing())]

JOBS = [job("a"), job("b"), job("c")]
PATIENCE = 300.0
SAVES_ONCE = f"""
import os, signal, sys, time
def save(*_):
    # SLURM sends it several times.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(130)
signal.signal(signal.SIGTERM, save)
if not os.path.exists('begun'):
    open('begun', 'w').close()
    time.sleep(600)
{GOOD}
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[dict[str, str]]:
    pytest.importorskip("submitit")
    with real_slurm() as environment:
        yield environment


@pytest.fixture(autouse=True)
def _on_the_cluster(cluster: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_CONF", cluster["SLURM_CONF"])


class Quiet:
    """A listener that hears nothing."""

    def started(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None: ...

    def stopping(self, count: int) -> None: ...

    def tick(self) -> None: ...


def schedule(folder: BenchFolder, jobs: list[Job], side_by_side: int = 2) -> JobSchedule:
    submitter = Submitter("slurm", folder, Requests(cpus=1), side_by_side)
    return JobSchedule(jobs, folder, side_by_side, "1", submitter)


def once_begun(folder: BenchFolder, its: Job, act: Callable[[str], None]) -> threading.Thread:
    """Does something to the job of a run when the run has begun."""

    def wait() -> None:
        until = time.monotonic() + PATIENCE
        while not (folder.run(its) / "begun").exists() and time.monotonic() < until:
            time.sleep(0.1)
        submission = folder.submission(its).read_text()
        number = submission.split('"job": "')[1].split('"')[0]
        act(number)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    return thread


def cancel(number: str) -> None:
    subprocess.run(["scancel", number], check=True)


def requeue(number: str) -> None:
    """SLURM starts a job that was queued again after two minutes, if it is not told to start it now."""
    subprocess.run(["scontrol", "requeue", number], check=True)
    update = ["scontrol", "update", f"JobId={number}", "StartTime=now"]
    until = time.monotonic() + PATIENCE
    while "PENDING" not in state_of(number) or subprocess.run(update, check=False).returncode:
        assert time.monotonic() < until
        time.sleep(0.5)


def state_of(number: str) -> str:
    asked = ["squeue", "--noheader", "--states=all", "--format=%T", f"--jobs={number}"]
    return subprocess.run(asked, capture_output=True, text=True, check=False).stdout


def test_runs_of_one_array(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["b"] = "raise SystemExit('no luck')"
    first = schedule(folder, JOBS)
    first.run(Quiet())
    assert first.states == dict(zip(JOBS, (JobState.DONE, JobState.FAILED, JobState.DONE), strict=True))
    assert first.reasons == {JOBS[1]: "no luck"}
    results = sorted(path.name for path in (folder.path / "jobs" / "submitit").glob("*_result.pkl"))
    assert len({name.split("_")[0] for name in results}) == 1
    assert [name.split("_")[1] for name in results] == ["0", "1", "2"]


def test_a_run_that_is_queued_again_saves_and_goes_on(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["a"] = SAVES_ONCE
    thread = once_begun(folder, JOBS[0], requeue)
    bench = schedule(folder, JOBS[:1])
    bench.run(Quiet())
    thread.join()
    assert bench.states == {JOBS[0]: JobState.DONE}
    assert [attempt.exit_code for attempt in folder.record(JOBS[0]).attempts] == [130, 0]


def test_a_run_whose_job_is_cancelled_has_saved_and_failed(
    scripts: dict[str, str], folder: BenchFolder
) -> None:
    scripts["a"] = SAVES_ONCE
    once_begun(folder, JOBS[0], cancel)
    bench = schedule(folder, JOBS[:1])
    bench.run(Quiet())
    assert "is CANCELLED" in bench.reasons[JOBS[0]]
    assert [attempt.exit_code for attempt in folder.record(JOBS[0]).attempts] == [130]
    again = schedule(folder, JOBS[:1])
    again.run(Quiet())
    assert again.states == {JOBS[0]: JobState.DONE}


def test_a_bench_that_is_interrupted_ends_its_jobs(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["a"] = scripts["b"] = SAVES_ONCE

    class Interrupts(Quiet):
        def tick(self) -> None:
            if bench.states[JOBS[0]] is JobState.RUNNING and (folder.run(JOBS[0]) / "begun").exists():
                os.kill(os.getpid(), signal.SIGTERM)

    bench = schedule(folder, JOBS[:2], side_by_side=1)
    bench.run(Interrupts())
    assert set(bench.states.values()) == {JobState.STOPPED}
    assert folder.record(JOBS[0]).attempts[-1].exit_code == 130
    assert not folder.record(JOBS[1]).attempts
