"""The processes that the first process of a node starts."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import os, sys, time
from ssltoolbox.engine.training import children
from ssltoolbox.engine.training.launch import World
children.PATIENCE, children.SECONDS_BETWEEN_LOOKS = 1.0, 0.1
if "LOCAL_RANK" in os.environ:
    {child}
others = children.Children(World(devices=3))
others.start()
{parent}
"""


def run(folder: Path, child: str, parent: str) -> subprocess.CompletedProcess[str]:
    """A process that starts two more by the same script."""
    script = folder / "script.py"
    script.write_text(SCRIPT.format(child=child, parent=parent))
    return subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=60, check=False)


def test_each_child_knows_its_place(tmp_path: Path) -> None:
    told = "print([os.environ[name] for name in ('NODE_RANK', 'LOCAL_RANK', 'WORLD_SIZE')]); sys.exit()"
    ended = run(tmp_path, told, "children.PATIENCE = 60; others.end()")
    assert ended.returncode == 0, ended.stderr
    assert sorted(ended.stdout.splitlines()) == ["['0', '1', '3']", "['0', '2', '3']"]


def test_a_process_that_waits_for_a_failed_one_ends(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "time.sleep(3600 * (os.environ['LOCAL_RANK'] == '1')); sys.exit(3)", "time.sleep(3600)"
    )
    assert ended.returncode == 1
    assert set(ended.stderr.splitlines()) == {
        "rank 2 has ended with exit code 3, and the others wait for it: they are killed"
    }


@pytest.mark.parametrize("how", ["others.end()", "others.end(at_once=True)"])
def test_children_that_hang_are_killed(tmp_path: Path, how: str) -> None:
    ended = run(tmp_path, "time.sleep(3600)", f"{how}; print(*others._failed().values())")
    assert ended.stdout == "-9 -9\n", ended.stderr
