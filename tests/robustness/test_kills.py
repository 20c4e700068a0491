"""Killed at random moments, while starting and while writing files too, and gone on with: bit for bit the same."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from helpers import spots
from helpers.runs import start, start_command, write_recipe
from helpers.trees import put_index, same_files

from ssltoolbox.support.clusters import Cluster

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc"),
]
KILLS, MANY_KILLS = 3, 20
PATIENCE = 3600.0

WHILE_WRITING = """
import os, signal
replace, left = os.replace, {files}
def replace_or_die(source, target):
    global left
    left -= 1
    if left == 0 and {torn}:
        os.truncate(source, os.path.getsize(source) // 2)
    elif left == 0:
        replace(source, target)
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
os.replace = replace_or_die
"""
"""Dies while it writes its file of that number: half of it is written, or all, and nothing after."""


class Killer:
    """Kills a command at random moments.

    Args:
        begin: starts the command, after some Python.
        progress: how far its files say that it has come.
        latest: where it is not to be killed any more while it works, for some of it to be left.
        stride: how far it may come between two kills.
        children: whether the processes that it started die too, now and then or always.
    """

    def __init__(
        self,
        begin: Callable[[str], subprocess.Popen[str]],
        progress: Callable[[], int],
        latest: int,
        stride: int,
        children: float = 1.0,
    ) -> None:
        self.begin, self.progress, self.latest, self.stride = begin, progress, latest, stride
        self.children = children
        self.random = random.Random(0)
        self.writing = 0
        self.starting = 0

    def kill(self, times: int) -> list[int]:
        """How far it had come at each kill."""
        reached = []
        for number in range(times):
            before = self.progress()
            if number % 3 == 0 and before < self.latest:
                self._while_writing()
            else:
                self._sometime(before)
            reached.append(self.progress())
            self.starting += reached[-1] == before
        return reached

    def _while_writing(self) -> None:
        prelude = WHILE_WRITING.format(files=self.random.randint(1, 6), torn=self.random.random() < 0.5)
        process = self.begin(prelude)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == -signal.SIGKILL, errors
        self.writing += 1

    def _sometime(self, before: int) -> None:
        """After some progress, or, where there is little left to do, while it starts."""
        goal = before + self.random.randint(0, self.stride) if before < self.latest else before
        process = self.begin("")
        until = time.monotonic() + PATIENCE
        while self.progress() < goal:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        time.sleep(self.random.uniform(0, 0.2 if goal > before else 2))
        assert process.poll() is None, "it was done before it could be killed"
        mine = children(process.pid) if self.random.random() < self.children else []
        process.kill()
        for child in mine:
            os.kill(child, signal.SIGKILL)
        process.communicate()

    def __str__(self) -> str:
        return f"{self.writing} while writing a file, {self.starting} before any progress"


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def finish(process: subprocess.Popen[str]) -> None:
    """Lets it come to its end, which must be a good one."""
    _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors


def state_of(run: Path) -> dict[str, torch.Tensor]:
    """The method's and the optimiser's tensors, and the backbone's."""
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    moments = checkpoint["optimizer_states"][0]["state"]
    return {
        **checkpoint["state_dict"],
        **{f"{key} of {index}": value for index, state in moments.items() for key, value in state.items()},
        **safetensors.torch.load_file(run / "backbone.safetensors"),
    }


def same_state(one: Path, other: Path) -> int:
    """Asserts that two runs are equal to the bit, and gives the number of their tensors."""
    found, expected = state_of(one), state_of(other)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[key], expected[key]) for key in expected)
    assert losses_of(one) == losses_of(other)
    return len(expected)


def losses_of(run: Path) -> list[tuple[str, str]]:
    """Step and loss of each row; none where there is no file yet."""
    if not (run / "metrics.csv").exists():
        return []
    with (run / "metrics.csv").open() as file:
        return [(row["step"], row["loss"]) for row in csv.DictReader(file)]


def test_killed_training_resumes_to_the_same_weights(
    tmp_path: Path, much: bool, count: Callable[[str], None]
) -> None:
    steps = 120 if much else 30
    recipe = write_recipe(
        tmp_path,
        ("steps: 6, batch_size: 8, workers: 0", f"steps: {steps}, batch_size: 8, workers: 1"),
    )
    whole, out = tmp_path / "whole", tmp_path / "killed"
    finish(start(recipe, whole))
    killer = Killer(
        lambda prelude: start(recipe, out, "--resume", prelude=prelude),
        lambda: len(losses_of(out)),
        latest=steps - 20,
        stride=10,
    )
    reached = killer.kill(MANY_KILLS if much else KILLS)
    finish(start(recipe, out, "--resume"))
    tensors = same_state(out, whole)
    assert not list(out.rglob("*.part"))
    count(
        f"killed after {reached} of {steps} steps: {killer}; then the same {tensors} tensors and {steps} rows"
    )


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Of four clips of 60 images each, two thirds of which have a face for the detector of spots."""

    def picture(clip: int, frame: int) -> np.ndarray:
        pixels = np.full((48, 64, 3), 120, dtype=np.uint8)
        pixels[6 : 6 + (frame % 3) * 6, 4 + clip : 16 + clip + frame % 30] = (220, 20, 20)
        return pixels

    return put_index(tmp_path, 60, picture)


SMALL_BLOCKS = "from ssltoolbox.data.index import detect\ndetect.BLOCK = 4\n"


def test_killed_detection_resumes_to_the_same_landmarks(
    tmp_path: Path, index: Path, much: bool, count: Callable[[str], None]
) -> None:
    log = tmp_path / "log"
    log.touch()

    def begin(index: Path, prelude: str) -> subprocess.Popen[str]:
        # So slow that an idle machine is not done before the last kill.
        seconds = ("--set", f"seconds={0.06 if much else 0.02}", "--set", f"log={log}")
        detector = ("--detector", "spots", "--plugin", spots.__file__, *seconds)
        # Where it is to die while it writes a file, it must write itself.
        workers = ("--workers", "1" if prelude else "2")
        command = ("data", "landmarks", str(index), *detector, *workers)
        return start_command(tmp_path, *command, prelude=SMALL_BLOCKS + prelude)

    whole = Path(shutil.copytree(index, tmp_path / "whole.index"))
    finish(begin(whole, ""))
    log.write_text("")
    shards = index / ".landmarks" / "shards"
    killer = Killer(
        lambda prelude: begin(index, prelude),
        lambda: len(list(shards.glob("[0-9]*.arrow"))),
        latest=50,
        stride=2 if much else 6,
    )
    kills = MANY_KILLS if much else KILLS
    reached = killer.kill(kills)
    finish(begin(index, ""))
    same_files(index, whole)
    seen = log.read_text().count(".")
    # A kill loses at most the block that each of two processes is at.
    assert 240 <= seen <= 240 + kills * 2 * 4
    count(f"killed after {reached} of 60 blocks: {killer}; then the same bytes, {seen} looks at 240 images")


def test_detection_on_a_cluster_resumes_after_each_kind_of_end(
    tmp_path: Path, index: Path, cluster: Cluster, count: Callable[[str], None]
) -> None:
    """The command is interrupted, then killed; then a process of the cluster is killed, which ends nothing."""
    log = tmp_path / "log"
    log.touch()
    shards = index / ".landmarks" / "shards"

    def begin(index: Path, *where: str) -> subprocess.Popen[str]:
        options = ("--set", "seconds=0.05", "--set", f"log={log}")
        detector = ("--detector", "spots", "--plugin", spots.__file__, *options)
        return start_command(
            tmp_path, "data", "landmarks", str(index), *detector, *where, prelude=SMALL_BLOCKS
        )

    def after_some_blocks() -> subprocess.Popen[str]:
        process = begin(index, "--engine", f"{cluster.engine}:{cluster.address}")
        goal = len(list(shards.glob("[0-9]*.arrow"))) + 8
        until = time.monotonic() + PATIENCE
        while len(list(shards.glob("[0-9]*.arrow"))) < goal:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < until
            time.sleep(0.01)
        return process

    whole = Path(shutil.copytree(index, tmp_path / "whole.index"))
    finish(begin(whole, "--workers", "1"))
    log.write_text("")
    ends = []
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)):
        process = after_some_blocks()
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == code, errors
        assert "Traceback" not in errors
        ends.append(len(list(shards.glob("[0-9]*.arrow"))))
    process = after_some_blocks()
    os.kill(int([line for line in log.read_text().splitlines() if line != "."][-1]), signal.SIGKILL)
    finish(process)
    same_files(index, whole)
    seen = log.read_text().count(".")
    count(
        f"{cluster.engine}: ended after {ends} of 60 blocks; then the same bytes, {seen} looks at 240 images"
    )


def rows_of(bench: Path) -> Iterator[int]:
    """How far each run of a benchmark is: its logged steps, and its results."""
    for folder in bench.glob("runs/*"):
        yield len(losses_of(folder)) + sum(1 for _ in folder.glob("evaluation.json"))


def leaderboard(bench: Path) -> dict[str, Any]:
    """What a benchmark found, without its costs."""
    found = json.loads((bench / "results.json").read_text())
    for row in (*found["runs"], *found["leaderboard"]):
        row.pop("cost", None)
        row.pop("costs", None)
    for row in found["runs"]:
        # One that ended by itself is found finished by the next benchmark.
        assert row.pop("state") in ("done", "cached")
    return {key: found[key] for key in ("leaderboard", "runs", "baseline", "code")}


def test_a_killed_benchmark_resumes(tmp_path: Path, much: bool, count: Callable[[str], None]) -> None:
    """With its run, or without: the run goes on by itself then, and is waited for."""
    write_recipe(tmp_path)
    (tmp_path / "plain.yaml").write_text("recipe: 1\nextends: tiny.yaml\npositives: []\n")
    seeds, steps = (4, 40) if much else (1, 10)
    grid = tmp_path / "grid.yaml"
    grid.write_text(
        "recipes: [tiny.yaml, plain.yaml]\ntasks: [{name: identity, protocol: knn}]\nbaseline: plain\n"
        f"seeds: {list(range(seeds))}\nset: {{trainer.steps: {steps}}}\n"
    )
    whole, out = tmp_path / "whole", tmp_path / "killed"
    finish(start_command(tmp_path, "bench", str(grid), "--out", str(whole)))
    total = 2 * seeds * (steps + 1)
    killer = Killer(
        lambda prelude: start_command(tmp_path, "bench", str(grid), "--out", str(out), prelude=prelude),
        lambda: sum(rows_of(out)),
        latest=total - 10,
        stride=10,
        children=0.9,
    )
    reached = killer.kill(MANY_KILLS if much else KILLS)
    finish(start_command(tmp_path, "bench", str(grid), "--out", str(out)))
    assert leaderboard(out) == leaderboard(whole)
    folders = list((whole / "runs").iterdir())
    tensors = sum(same_state(out / "runs" / folder.name, folder) for folder in folders)
    count(
        f"killed after {reached} of {total} steps and results of {len(folders)} runs: {killer}; then the same "
        f"table and {tensors} tensors"
    )
