"""Whole benchmarks: with a failure, with a cache, interrupted."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from helpers.runs import write_recipe

from ssltoolbox.cli.main import run

pytestmark = pytest.mark.slow
PATIENCE = 600.0

BROKEN = """
from ssltoolbox.api import Descriptor, PositiveGenerator, hookimpl


class Breaks(PositiveGenerator):
    def render(self, batch):
        raise OSError("disk full")


@hookimpl
def ssltoolbox_positive_generators():
    yield Descriptor(name="breaks", summary="Breaks.", target=f"{__name__}:Breaks", api=1)
"""
GRID = """\
recipes: [tiny.yaml, plain.yaml]
tasks: [{name: identity, protocol: knn}]
baseline: plain
set: {trainer.steps: 30}
"""


@pytest.fixture
def grid(tmp_path: Path) -> Path:
    write_recipe(tmp_path)
    (tmp_path / "plain.yaml").write_text("recipe: 1\nextends: tiny.yaml\npositives: []\n")
    path = tmp_path / "grid.yaml"
    path.write_text(GRID)
    return path


def results(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "results.json").read_text()))


Start = Callable[[Path, Path], "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a benchmark in a process of its own; none outlives its test, whatever happens."""
    started = []

    def begin(grid: Path, out: Path) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "ssltoolbox", "bench", str(grid), "--out", str(out)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        started.append(process)
        return process

    yield begin
    for process in started:
        process.terminate()
        process.wait()
        if process.stdout:
            process.stdout.close()


def events(output: str) -> str:
    """What was said, without the lines that a slow machine adds now and then."""
    lines = output.splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith("running"))


def wait_for(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE
    while not happened():
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_failure_a_cache_and_a_change(
    grid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "breaks.py").write_text(BROKEN)
    (tmp_path / "broken.yaml").write_text(
        "recipe: 1\nextends: tiny.yaml\npositives: [breaks]\nplugins: {files: [breaks.py]}\n"
    )
    none = "recipe: 1\nextends: plain.yaml\nmethod: none\n"
    (tmp_path / "random.yaml").write_text(none)
    text = GRID.replace("tiny.yaml", "broken.yaml, random.yaml").replace("30", "4")
    grid.write_text(text.replace("set:", "seeds: [0, 1]\nset:"))
    out = tmp_path / "out"
    assert run(["bench", "grid.yaml", "--out", "out", "--jobs", "2"]) == 1
    said = capsys.readouterr().out
    states = {(row["recipe"], row["seed"]): row["state"] for row in results(out)["runs"]}
    expected = {"broken": "failed", "random": "done", "plain": "done"}
    assert states == {(name, seed): expected[name] for name in expected for seed in (0, 1)}
    (log,) = out.glob("jobs/broken-seed0-*.out.txt")
    assert re.search(rf"^failed +broken, seed 0: .*disk full.*{re.escape(str(log))}$", said, re.M)
    assert {row["recipe"]: row["runs"] for row in results(out)["leaderboard"]} == {
        "random": 2,
        "plain": 2,
        "broken": 0,
    }
    assert (out / "report.html").stat().st_size > 10_000
    for path in out.glob("runs/plain-*"):
        assert run(["evaluate", str(path), "--tasks", "identity"]) == 0
    capsys.readouterr()

    grid.write_text(text.replace("broken.yaml, ", ""))
    assert run(["bench", "grid.yaml", "--out", "out", "--dry-run"]) == 0
    assert re.search(r"\b2 finished", capsys.readouterr().out)
    assert run(["bench", "grid.yaml", "--out", "out"]) == 0
    said = events(capsys.readouterr().out)
    assert [line.split()[:2] for line in said.splitlines()[:2]] == [
        ["cached", "random,"],
        ["cached", "plain,"],
    ]
    assert "starts" not in said

    grid.write_text(text.replace("broken.yaml, random.yaml, ", "").replace("steps: 4", "steps: 3"))
    assert run(["bench", "grid.yaml", "--out", "out"]) == 0
    said = events(capsys.readouterr().out)
    assert [line.split()[:2] for line in said.splitlines()[:2]] == [["starts", "plain,"], ["done", "plain,"]]
    assert "cached" not in said


def test_an_interrupted_benchmark_saves_its_run_and_resumes(grid: Path, tmp_path: Path, start: Start) -> None:
    """Ctrl-C reaches the run once, which saves."""
    out = tmp_path / "out"
    process = start(grid, out)
    wait_for(lambda: any(out.glob("runs/*/checkpoints/last.ckpt")))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, output
    lines = events(output).splitlines()
    assert [line.split()[:2] for line in lines if line.startswith("stopping")] == [["stopping:", "1"]]
    assert ["stopped", "tiny,", "seed", "0"] in [line.split() for line in lines]
    assert "resume" in lines[-1]
    assert {row["state"] for row in results(out)["runs"]} == {"stopped", "waiting"}
    (checkpoint,) = out.glob("runs/*/checkpoints/last.ckpt")
    assert torch.load(checkpoint, weights_only=True)["global_step"] < 30
