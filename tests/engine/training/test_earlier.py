"""Several trainings in one script, each with processes of its own."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ssltoolbox.api import SslToolboxError, UserError
from ssltoolbox.engine.training import earlier
from ssltoolbox.engine.training.launch import Launcher, World

TORCHRUN = Launcher("torchrun", 2, 2, 0, 0, "127.0.0.1", 29500, "--nproc-per-node")


@pytest.fixture(autouse=True)
def no_training(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(earlier, "_ended", [])


def test_a_later_process_skips_the_earlier_trainings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert earlier.skipped() is None
    earlier.remember(tmp_path / "one")
    earlier.remember(None)
    variables = earlier.earlier_trainings()
    assert json.loads(variables[earlier.EARLIER]) == [str(tmp_path / "one"), None]
    monkeypatch.setattr(earlier, "_ended", [])
    monkeypatch.setenv(*next(iter(variables.items())))
    assert earlier.skipped() == tmp_path / "one"
    with pytest.raises(SslToolboxError, match="has failed in the first process"):
        earlier.skipped()
    assert earlier.skipped() is None


@pytest.mark.parametrize("world", [World(2, launcher=TORCHRUN), World(1, 2)])
def test_processes_that_have_ended_are_not_waited_for(world: World) -> None:
    earlier.refuse_second(world)
    earlier.remember(None)
    with pytest.raises(UserError, match="with a command of its own"):
        earlier.refuse_second(world)
    earlier.refuse_second(World(2))
