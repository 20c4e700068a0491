"""Jobs of SLURM: arrays, jobs that end without a result, refusals. The commands only remember what they get."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from helpers.bench import job
from helpers.slurm import FakeSlurm, leave_result

from ssltoolbox.api import UserError
from ssltoolbox.bench import slurm_queue
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.grid import Requests
from ssltoolbox.bench.submitted import Submitted, Submitter

JOBS = [job("a"), job("b"), job("c")]
SECONDS = 0.5


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """SLURM, which is asked each time that `looked` is called."""
    pytest.importorskip("submitit")
    monkeypatch.setattr(slurm_queue, "SECONDS_BETWEEN_QUERIES", (SECONDS, SECONDS))
    monkeypatch.setattr(slurm_queue, "SECONDS_BETWEEN_RESULTS", -1.0)
    return FakeSlurm(tmp_path / "bin", monkeypatch)


def looked(run: Submitted) -> bool:
    """Whether a run has ended, by a query after those before."""
    time.sleep(2 * SECONDS)
    return run.ended()


def submitter(folder: BenchFolder, side_by_side: int = 3) -> Submitter:
    return Submitter("slurm", folder, Requests(), side_by_side)


def test_runs_that_start_together_are_one_array(slurm: FakeSlurm, folder: BenchFolder) -> None:
    runs = submitter(folder, 2).start(JOBS)
    [script] = slurm.scripts
    assert "#SBATCH --array=0-2%2\n" in script
    assert [run.job_id for run in runs] == ["1_0", "1_1", "1_2"]


def test_one_run_is_a_job(slurm: FakeSlurm, folder: BenchFolder) -> None:
    [run] = submitter(folder).start(JOBS[:1])
    assert "--array" not in slurm.scripts[0]
    assert run.job_id == "1"


def test_a_run_ends_with_the_result_of_its_job(slurm: FakeSlurm, folder: BenchFolder) -> None:
    slurm.shows(_1="RUNNING")
    [run] = submitter(folder).start(JOBS[:1])
    assert not run.ended()
    leave_result(folder.path / "jobs" / "submitit", "1", ("success", 3))
    assert run.ended()
    assert run.exit_code == 3
    assert not folder.submission(JOBS[0]).exists()


def test_the_reason_of_a_job_that_failed_before_its_run(slurm: FakeSlurm, folder: BenchFolder) -> None:
    [run] = submitter(folder).start(JOBS[:1])
    trace = "Traceback (most recent call last):\n  in a\nModuleNotFoundError: No module named 'ssltoolbox'\n"
    leave_result(folder.path / "jobs" / "submitit", "1", ("error", trace))
    assert run.ended()
    assert run.reason() == "its job 1 failed: ModuleNotFoundError: No module named 'ssltoolbox'"


@pytest.mark.parametrize("states", [{"_1": "CANCELLED"}, {"_1": "TIMEOUT"}, {}])
def test_a_job_that_ends_without_a_result_has_failed(
    slurm: FakeSlurm, folder: BenchFolder, states: dict[str, str]
) -> None:
    slurm.shows(_1="RUNNING")
    [run] = submitter(folder).start(JOBS[:1])
    assert not run.ended()
    slurm.shows(**states)
    assert not looked(run)
    assert looked(run)
    assert run.exit_code == 1
    assert (f"is {states['_1']}" if states else "has left the queue") in run.reason()
    assert "1_0_log.err" in run.reason()


def test_the_result_of_a_job_may_be_seen_later(slurm: FakeSlurm, folder: BenchFolder) -> None:
    [run] = submitter(folder).start(JOBS[:1])
    slurm.shows(_1="COMPLETED")
    assert not [looked(run) for _ in range(4)][-1]
    leave_result(folder.path / "jobs" / "submitit", "1", ("success", 0))
    assert run.ended()
    assert run.exit_code == 0


def test_a_job_that_slurm_queues_again_has_not_ended(slurm: FakeSlurm, folder: BenchFolder) -> None:
    [run] = submitter(folder).start(JOBS[:1])
    for state in ("RUNNING", "PREEMPTED", "PENDING", "NODE_FAIL", "RUNNING"):
        slurm.shows(_1=state)
        assert not looked(run)


def test_a_slurm_that_does_not_answer_ends_no_run(slurm: FakeSlurm, folder: BenchFolder) -> None:
    slurm.shows(_1="RUNNING")
    [run] = submitter(folder).start(JOBS[:1])
    slurm.does_not_answer()
    assert not [looked(run) for _ in range(3)][-1]


def test_a_queued_run_says_why_it_waits(slurm: FakeSlurm, folder: BenchFolder) -> None:
    slurm.shows(_1="PENDING Priority")
    [run] = submitter(folder).start(JOBS[:1])
    assert not looked(run)
    assert run.waits == "Priority"
    assert run.seconds == 0
    slurm.shows(_1="RUNNING")
    assert not looked(run)
    assert run.waits == ""
    assert run.seconds > 0


def test_jobs_that_outlive_their_benchmark_are_found(slurm: FakeSlurm, folder: BenchFolder) -> None:
    submitter(folder).start(JOBS)
    slurm.shows(_1_0="RUNNING", _1_1="CANCELLED", _1_2="PENDING Resources")
    again = submitter(folder)
    assert [run.job_id for run in again.find(JOBS)] == ["1_0", "1_2"]
    assert [run.job_id for run in again.start(JOBS)] == ["1_0", "1_2", "2"]


def test_later_runs_start_when_there_is_room(slurm: FakeSlurm, folder: BenchFolder) -> None:
    submit = submitter(folder, 2)
    assert submit.room(busy=0) >= len(JOBS)
    assert [submit.room(busy) for busy in (1, 2, 3)] == [1, 0, 0]


def test_all_jobs_are_ended_by_one_command(slurm: FakeSlurm, folder: BenchFolder) -> None:
    submit = submitter(folder)
    submit.start(JOBS)
    submit.stop(JOBS, at_once=False)
    submit.stop(JOBS, at_once=True)
    assert slurm.cancelled == ["1_0 1_1 1_2", "--signal=KILL 1_0 1_1 1_2"]


def test_slurm_takes_fewer_jobs_than_there_are_runs(slurm: FakeSlurm, folder: BenchFolder) -> None:
    slurm.takes_arrays_of(2)
    submit = submitter(folder)
    assert [run.job for run in submit.start(JOBS)] == JOBS[:1]
    assert submit.room(busy=1) == 0
    assert {path.suffix for path in (folder.path / "jobs" / "submitit").glob("[!.]*")} == {".pkl", ".sh"}
    assert len(list((folder.path / "jobs" / "submitit").glob("*.pkl"))) == 1


def test_slurm_takes_no_job(slurm: FakeSlurm, folder: BenchFolder) -> None:
    slurm.takes_arrays_of(0)
    submit = submitter(folder)
    assert [submit.room(busy=1), submit.room(busy=0) > 0] == [2, True]
    assert submit.start(JOBS) == []
    assert submit.room(busy=1) == 0
    with pytest.raises(UserError, match="too many"):
        submit.room(busy=0)
