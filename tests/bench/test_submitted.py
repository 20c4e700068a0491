"""Runs as jobs of submitit, whose executor for this machine stands for a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from helpers.bench import GOOD, job

from ssltoolbox.api import UserError
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.grid import Requests
from ssltoolbox.bench.jobs import Job
from ssltoolbox.bench.local_queue import LocalQueue
from ssltoolbox.bench.schedule import JobSchedule, JobState
from ssltoolbox.bench.submitted import Submitted, Submitter, _parameters

SAVES_ONCE = f"""
import os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
if not os.path.exists('begun'):
    open('begun', 'w').close()
    time.sleep(600)
{GOOD}
"""
JOBS = [job("a"), job("b")]


class Quiet:
    """A listener that hears nothing."""

    def started(self, job: Job) -> None: ...

    def ended(self, job: Job) -> None: ...

    def stopping(self, count: int) -> None: ...

    def tick(self) -> None: ...


def schedule(folder: BenchFolder) -> JobSchedule:
    return JobSchedule(JOBS, folder, 2, "1", Submitter("processes", folder, Requests(), 2))


@pytest.mark.slow
def test_one_job_for_each_run(scripts: dict[str, str], folder: BenchFolder) -> None:
    pytest.importorskip("submitit")
    scripts["b"] = "raise SystemExit('no luck')"
    first = schedule(folder)
    first.run(Quiet())
    assert first.states == {JOBS[0]: JobState.DONE, JOBS[1]: JobState.FAILED}
    assert first.reasons == {JOBS[1]: "no luck"}
    scripts["b"] = GOOD
    again = schedule(folder)
    again.run(Quiet())
    assert again.states == {JOBS[0]: JobState.CACHED, JOBS[1]: JobState.DONE}
    assert [len(folder.record(each).attempts) for each in JOBS] == [1, 2]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc")
def test_a_preempted_job_saves_and_goes_on(scripts: dict[str, str], folder: BenchFolder) -> None:
    pytest.importorskip("submitit")
    scripts["a"] = SAVES_ONCE
    [run] = Submitter("processes", folder, Requests(), 1).start(JOBS[:1])

    def preempt() -> None:
        while not (folder.run(JOBS[0]) / "begun").exists():
            time.sleep(0.05)
        # SLURM signals the processes of a step; this executor has them below its own process.
        parent = run.job_id
        [task] = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        os.kill(int(task), signal.SIGUSR2)

    threading.Thread(target=preempt, daemon=True).start()
    wait_for(run)
    assert run.exit_code == 0
    assert [attempt.exit_code for attempt in folder.record(JOBS[0]).attempts] == [130, 0]
    assert not folder.submission(JOBS[0]).exists()


WAITS = f"""
import os, time
open('begun', 'w').close()
while not os.path.exists('go'):
    time.sleep(0.05)
{GOOD}
"""


@pytest.mark.slow
def test_a_job_that_outlives_its_benchmark_is_waited_for(
    scripts: dict[str, str], folder: BenchFolder
) -> None:
    pytest.importorskip("submitit")
    scripts["a"] = WAITS
    [first] = Submitter("processes", folder, Requests(), 1).start(JOBS[:1])
    until = time.monotonic() + 300
    while not (folder.run(JOBS[0]) / "begun").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    [again] = Submitter("processes", folder, Requests(), 1).start(JOBS[:1])
    assert again.job_id == first.job_id
    assert not again.ended()
    (folder.run(JOBS[0]) / "go").touch()
    # As this process has started the job, it must take notice of its end.
    wait_for(first)
    assert again.ended()
    assert again.exit_code == 0
    assert len(folder.record(JOBS[0]).attempts) == 1


def wait_for(run: Submitted) -> None:
    until = time.monotonic() + 300
    while not run.ended():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_ctrl_c_of_the_terminal_does_not_reach_the_processes(tmp_path: Path) -> None:
    """They would end before their runs have saved; `bench` tells them to."""
    before = signal.getsignal(signal.SIGINT)
    asks = "import signal; print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    with LocalQueue(tmp_path).submitting():
        said = subprocess.run([sys.executable, "-c", asks], capture_output=True, text=True, check=True).stdout
    assert said == "True\n"
    assert signal.getsignal(signal.SIGINT) == before


def test_requests_by_submitits_names() -> None:
    requests = Requests(minutes=30, gpus=2, partition="gpu", slurm={"account": "lab"})
    found = _parameters(requests, 3)
    assert found["timeout_min"] == 30
    assert found["gpus_per_node"] == 2
    assert found["slurm_partition"] == "gpu"
    assert found["slurm_additional_parameters"] == {"account": "lab"}
    assert found["slurm_array_parallelism"] == 3
    assert found["mem_gb"] is None


def test_without_submitit_the_error_names_the_extra_to_install(
    folder: BenchFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(UserError) as error:
        Submitter("slurm", folder, Requests(), 1)
    assert "pip install 'ssltoolbox[cluster]'" in str(error.value)


def test_submitting_without_slurm_is_an_error(folder: BenchFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(folder.path))
    with pytest.raises(UserError, match="no slurm"):
        Submitter("slurm", folder, Requests(), 1)
