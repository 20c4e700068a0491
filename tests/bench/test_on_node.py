"""What a job does on its node."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from helpers.bench import GOOD, job

from ssltoolbox.bench import child
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.on_node import TAKEN, OnNode
from ssltoolbox.support.files import locked

JOB = job("a")


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """A job sets the handlers of its process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def on_node(folder: BenchFolder) -> OnNode:
    return OnNode(JOB, folder, tuple(child.command_of(JOB, folder)))


def test_it_does_the_run(scripts: dict[str, str], folder: BenchFolder) -> None:
    assert on_node(folder)() == 0
    assert folder.state(JOB) == "finished"


def test_it_gives_the_exit_code_of_the_run(scripts: dict[str, str], folder: BenchFolder) -> None:
    scripts["a"] = "raise SystemExit(3)"
    assert on_node(folder)() == 3


def test_a_finished_run_is_not_started_again(scripts: dict[str, str], folder: BenchFolder) -> None:
    assert on_node(folder)() == 0
    scripts["a"] = "raise SystemExit(3)"
    assert on_node(folder)() == 0
    assert len(folder.record(JOB).attempts) == 1


def test_a_run_that_a_user_has_started_is_left_to_the_user(
    scripts: dict[str, str], folder: BenchFolder
) -> None:
    with locked(folder.run(JOB)):
        assert on_node(folder)() == TAKEN
    assert not folder.record(JOB).attempts


SAVES = f"""
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(130))
open('begun', 'w').close()
time.sleep(600)
{GOOD}
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_job_that_is_ended_saves_its_run_and_returns_nothing(
    scripts: dict[str, str], folder: BenchFolder, number: int
) -> None:
    scripts["a"] = SAVES

    def end() -> None:
        while not (folder.run(JOB) / "begun").exists():
            time.sleep(0.02)
        os.kill(os.getpid(), number)

    threading.Thread(target=end, daemon=True).start()
    with pytest.raises(SystemExit) as stop:
        on_node(folder)()
    assert stop.value.code == 130
    assert [attempt.exit_code for attempt in folder.record(JOB).attempts] == [130]


def test_a_job_that_is_preempted_before_its_run_begins_is_queued_again(folder: BenchFolder) -> None:
    submission = pytest.importorskip("submitit.helpers").DelayedSubmission
    assert isinstance(OnNode(JOB, folder, ()).checkpoint(), submission)
