"""The machine, divided among runs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

import ssltoolbox.bench.share as share
from ssltoolbox.bench.share import Share, shares


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Five cores and no GPU."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4})
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(share, "_NVIDIA", tmp_path / "none")


def test_one_run_has_all() -> None:
    assert shares(1) == [Share()]
    assert Share().environment == {}


def test_jobs_side_by_side_share_the_cores() -> None:
    assert [part.cores for part in shares(2)] == [(0, 2, 4), (1, 3)]


def test_more_runs_than_cores() -> None:
    assert [part.cores for part in shares(7)] == [(0,), (1,), (2,), (3,), (4,), (0,), (1,)]


def test_jobs_side_by_side_share_the_gpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for address in ("0000:00:05.0", "0000:00:06.0", "0000:00:07.0"):
        (tmp_path / "gpus" / address).mkdir(parents=True)
    monkeypatch.setattr(share, "_NVIDIA", tmp_path / "gpus")
    assert [part.environment for part in shares(2)] == [
        {"CUDA_VISIBLE_DEVICES": "0,2"},
        {"CUDA_VISIBLE_DEVICES": "1"},
    ]


def test_only_gpus_that_may_be_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-a,GPU-b")
    assert [part.gpus for part in shares(3)] == [("GPU-a",), ("GPU-b",), ("GPU-a",)]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert [part.gpus for part in shares(2)] == [None, None]


def test_a_process_that_has_ended_needs_no_cores() -> None:
    ours = os.sched_getaffinity(0)
    Share(cores=(0,)).restrict(2**22 + 1)
    assert os.sched_getaffinity(0) == ours
