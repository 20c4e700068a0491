"""A benchmark's folder, and scripts in place of its runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from helpers.bench import GOOD

import ssltoolbox.bench.schedule as schedule_module
from ssltoolbox.bench.folder import BenchFolder
from ssltoolbox.bench.jobs import Job


@pytest.fixture
def scripts(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What each recipe's process does, in its run folder, instead of training."""
    by_recipe = dict.fromkeys("abc", GOOD)

    def command(job: Job, folder: BenchFolder) -> list[str]:
        run = folder.run(job)
        run.mkdir(parents=True, exist_ok=True)
        return [sys.executable, "-Sc", f"import os; os.chdir({str(run)!r})\n{by_recipe[job.recipe]}"]

    monkeypatch.setattr("ssltoolbox.bench.child.command_of", command)
    monkeypatch.setattr(schedule_module, "code_version", lambda: "1")
    monkeypatch.setattr(schedule_module, "SECONDS_BETWEEN_STEPS", 0.01)
    monkeypatch.setattr(schedule_module, "SECONDS_BETWEEN_LOOKS", 0.02)
    return by_recipe


@pytest.fixture
def folder(tmp_path: Path) -> BenchFolder:
    folder = BenchFolder(tmp_path / "out")
    folder.make()
    return folder
