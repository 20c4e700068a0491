"""The processes that the first process of a node starts."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
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


PATIENCE = 300.0


def run(folder: Path, child: str, parent: str, how: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """A process that starts two more by the same script.

    Args:
        how: arguments of Python; the script's file if not given.
    """
    script = folder / "script.py"
    script.write_text(SCRIPT.format(child=child, parent=parent))
    return subprocess.run(
        [sys.executable, *(how or [script])],
        input=script.read_text(),
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder)},  # PYTHONSAFEPATH may be set
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    "how",
    [
        ["script.py"],
        ["-X", "dev", "-m", "script"],
        ["-c", "import runpy; runpy.run_path('script.py')"],
    ],
    ids=["file", "module", "command"],
)
def test_each_child_knows_its_place(tmp_path: Path, how: Sequence[str]) -> None:
    # A file for each: on one pipe, pieces of lines that are written at the same time may mix.
    told = (
        "place = [os.environ[name] for name in ('NODE_RANK', 'LOCAL_RANK', 'WORLD_SIZE')];"
        "open(f'told-{place[1]}', 'w').write(f'{sys.flags.dev_mode} {place}');"
        "sys.exit()"
    )
    ended = run(tmp_path, told, "others.end(60)", how)
    assert ended.returncode == 0, ended.stderr
    dev = "dev" in how
    assert {file.name: file.read_text() for file in tmp_path.glob("told-*")} == {
        "told-1": f"{dev} ['0', '1', '3']",
        "told-2": f"{dev} ['0', '2', '3']",
    }


def test_a_session_that_cannot_run_again_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path, "sys.exit()", "others.end(60)", ["-"])
    assert ended.returncode == 1
    assert "UserError: training on several devices starts the same script once more" in ended.stderr


def test_a_process_that_waits_for_a_failed_one_ends(tmp_path: Path) -> None:
    ended = run(
        tmp_path, "time.sleep(3600 * (os.environ['LOCAL_RANK'] == '1')); sys.exit(3)", "time.sleep(3600)"
    )
    assert ended.returncode == 1
    assert set(ended.stderr.splitlines()) == {
        "rank 2 has ended with exit code 3, and the others wait for it: they are killed"
    }


def test_children_that_hang_are_killed(tmp_path: Path) -> None:
    ended = run(tmp_path, "time.sleep(3600)", "others.end(within=1); print(*others._failed().values())")
    assert ended.stdout == "-9 -9\n", ended.stderr


def test_children_are_killed_at_a_second_interruption(tmp_path: Path) -> None:
    parent = """
from threading import Timer
from _thread import interrupt_main
Timer(0.5, interrupt_main).start()
try:
    others.end(within=3600)
except KeyboardInterrupt:
    print(*others._failed().values())
"""
    ended = run(tmp_path, "time.sleep(3600)", parent)
    assert ended.stdout == "-9 -9\n", ended.stderr


def test_children_end_after_their_parent_was_killed(tmp_path: Path) -> None:
    child = (
        "open(os.environ['LOCAL_RANK'], 'w').write(str(os.getpid()));"
        "children.Children(World(devices=3, local_rank=1)).start();"
        "time.sleep(3600)"
    )
    # It waits until the children know their parent.
    parent = """
while not (os.path.exists("1") and os.path.exists("2")):
    time.sleep(0.1)
time.sleep(1)
os.kill(os.getpid(), 9)
"""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(child=child, parent=parent))
    assert (
        subprocess.run([sys.executable, script], cwd=tmp_path, timeout=PATIENCE, check=False).returncode == -9
    )
    until = time.monotonic() + PATIENCE
    numbers = [int((tmp_path / name).read_text()) for name in ("1", "2")]
    while any(is_running(number) for number in numbers) and time.monotonic() < until:
        time.sleep(0.1)
    assert not [number for number in numbers if is_running(number)]


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return (
        not Path(f"/proc/{process}/stat").exists() or " Z " not in Path(f"/proc/{process}/stat").read_text()
    )
