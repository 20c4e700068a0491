"""The default folder of a run is its own."""

from datetime import datetime
from pathlib import Path

import pytest

from ssltoolbox.engine.runs import folder
from ssltoolbox.engine.runs.folder import RunFolder


class Frozen(datetime):
    """A clock that stands."""

    @classmethod
    def now(cls, tz=None):
        return cls(2026, 1, 1)


def test_runs_that_start_in_the_same_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(folder, "datetime", Frozen)
    paths = [RunFolder.of_now("tiny").path for _ in range(3)]
    assert len(set(paths)) == 3
    assert all(path.is_dir() for path in paths)
