"""Every command on a disk that fills up: one line that says so, and with more room what there would have been."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from helpers import spots
from helpers.runs import untrained_run, write_recipe
from helpers.trees import put_index, same_files
from helpers.videos import scene, write_video

from ssltoolbox.cli.main import run as run_command

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("unshare") or subprocess.run(["unshare", "-rm", "true"], check=False).returncode,
        reason="nothing may be mounted here",
    ),
]

TRY_WITH_MORE_AND_MORE = """
import contextlib, io, json, os, shutil, sys
from ssltoolbox.cli.main import run

disk, commands = sys.argv[1], json.loads(sys.argv[2])
filler = os.path.join(disk, "filler")
os.chdir(disk)

def leave(free):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(filler)
    state = os.statvfs(disk)
    with open(filler, "wb") as file:
        file.write(bytes(max(0, state.f_bavail * state.f_frsize - free)))

for name, arguments in commands.items():
    tries, free = [], 0
    while not tries or tries[-1][0] and len(tries) < 14:
        leave(free)
        if name == "found":  # an evaluation is not resumed, and what is left of one not overwritten
            shutil.rmtree(os.path.join(disk, name), ignore_errors=True)
        said = io.StringIO()
        with contextlib.redirect_stderr(said):
            code = run(arguments)
        made = sorted(entry for entry in os.listdir(disk) if not entry.startswith(".") and entry != "filler")
        tries.append((code, said.getvalue(), made))
        free = 2 * free or 4096
    json.dump(tries, open(os.path.join(sys.argv[3], name + ".json"), "w"))
    for entry in os.listdir(disk):
        if entry not in ("copy.index", "filler"):
            shutil.move(os.path.join(disk, entry), os.path.join(sys.argv[3], "made"))
shutil.copytree("copy.index", os.path.join(sys.argv[3], "made", "copy.index"))
"""


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Of four clips of ten images, each with a red rectangle."""

    def picture(_: int, frame: int) -> np.ndarray:
        pixels = np.random.default_rng(frame).integers(0, 80, (32, 40, 3), dtype=np.uint8)
        pixels[6:18, 4 + frame : 16 + frame] = (220, 20, 20)
        return pixels

    return put_index(tmp_path, 10, picture)


def commands(tmp_path: Path, index: Path, disk: Path, *, much: bool) -> dict[str, list[str]]:
    """What writes, by the name of what it makes on the disk."""
    recipe, run = write_recipe(tmp_path), tmp_path / "untrained"
    untrained_run(recipe, run)
    for person in ("id1", "id2"):
        write_video(tmp_path / f"videos/{person}/a.mov", [scene((20, 30, 40))] * 60)
    some = {
        "i.index": ["data", "index", f"{tmp_path}/frames", "-o", f"{disk}/i.index", "--workers", "1"],
        "p.index": ["data", "pack", str(index), "-o", f"{disk}/p.index", "--size", "16", "--workers", "1"],
        "copy.index": ["data", "landmarks", f"{disk}/copy.index", "--workers", "1", "--detector", "spots"],
        "faces": ["data", "extract", f"{tmp_path}/videos", "-o", f"{disk}/faces", "--workers", "1"],
        "sheet.png": ["data", "info", str(index), "-o", f"{disk}/sheet.png"],
        "x.parquet": ["embed", str(run), str(recipe), "-o", f"{disk}/x.parquet"],
        "m.safetensors": ["export", str(run), "-o", f"{disk}/m.safetensors"],
        "plugin": ["plugins", "new", "plugin", "--kind", "view"],
        "run": ["train", str(recipe), "--out", f"{disk}/run", "--resume"],
    }
    some["faces"] += ["--detector", "spots"]
    for name in ("copy.index", "faces"):
        some[name] += ["--plugin", spots.__file__]
    more = {
        "pairs.png": ["preview", str(recipe), "-o", f"{disk}/pairs.png"],
        "map.png": ["saliency", str(run), "-o", f"{disk}/map.png", "--count", "1"],
        "found": ["evaluate", str(run), "--tasks", "identity", "--out", f"{disk}/found"],
    }
    return some | more if much else some


def test_every_command_survives_a_full_disk(
    tmp_path: Path, index: Path, much: bool, count: Callable[[str], None]
) -> None:
    """Twice the room each time, until it is enough."""
    disk, made, whole = (tmp_path / name for name in ("disk", "made", "whole"))
    for folder in (disk, made, whole):
        folder.mkdir()
    wanted = commands(tmp_path, index, disk, much=much)
    # An index names its frames relative to itself, and the copy is elsewhere.
    copy = shutil.copytree(index, tmp_path / "copy.index")
    header = json.loads((copy / "index.json").read_text())
    (copy / "index.json").write_text(json.dumps(header | {"root": f"{tmp_path}/frames"}))
    mount = 'mount -t tmpfs -o size=8m tmpfs "$1" && cp -r "$2" "$1/copy.index" && shift 2 && exec "$@"'
    driver = [sys.executable, "-c", TRY_WITH_MORE_AND_MORE, str(disk), json.dumps(wanted), str(tmp_path)]
    script = ["unshare", "-rm", "bash", "-c", mount, "-", str(disk), str(copy), *driver]
    subprocess.run(script, check=True, stdout=subprocess.DEVNULL)
    failures = 0
    for name in wanted:
        *refused, (code, _, _) = json.loads((tmp_path / f"{name}.json").read_text())
        assert code == 0, name
        assert refused, name
        for code, said, there in refused:
            assert code == 1, (name, said)
            (line,) = said.splitlines()
            assert line.startswith("can't write "), (name, line)
            assert "No space left on device" in line or "errno 28" in line, (name, line)
            assert set(there) <= {"copy.index", "faces", "run", "found"}, name
        failures += len(refused)
    for name in ("i.index", "p.index", "copy.index", "x.parquet", "m.safetensors", "run"):
        assert (made / name).exists()
    for name in ("i.index", "p.index", "faces"):
        arguments = [argument.replace(str(disk), str(whole)) for argument in wanted[name]]
        assert run_command(arguments) == 0
        same_files(made / name, whole / name)
    assert run_command([argument.replace(str(disk), str(tmp_path)) for argument in wanted["copy.index"]]) == 0
    same_files(made / "copy.index", copy)
    count(
        f"{len(wanted)} commands failed {failures} times for want of room, each in a line, and then did not"
    )


BENCH_WITH_MORE_AND_MORE = """
mount -t tmpfs -o size=8m tmpfs "$1"
for free in 0 8 64 512 8192; do
    rm -f "$1/filler"
    room=$(df --output=avail -k "$1" | tail -1)
    head -c $((room > free ? room - free : 0))k /dev/zero > "$1/filler"
    code=0
    "$2" -m ssltoolbox bench "$3" --out "$1/bench" > "$4/$free.out" 2> "$4/$free.err" || code=$?
    echo $code > "$4/$free.code"
done
cp -r "$1/bench" "$4"
"""


def test_a_benchmark_resumes_after_a_full_disk(tmp_path: Path, count: Callable[[str], None]) -> None:
    """A run for which there is no room is reported as failed; the same command finishes it when there is."""
    disk, grid = tmp_path / "disk", tmp_path / "grid.yaml"
    disk.mkdir()
    grid.write_text(f"recipes: [{write_recipe(tmp_path).name}]\nseeds: [0]\n")
    arguments = [str(disk), sys.executable, str(grid), str(tmp_path)]
    subprocess.run(["unshare", "-rm", "bash", "-c", BENCH_WITH_MORE_AND_MORE, "-", *arguments], check=True)

    def said(free: int, where: str) -> list[str]:
        return (tmp_path / f"{free}.{where}").read_text().splitlines()

    codes = {free: int(said(free, "code")[0]) for free in (0, 8, 64, 512, 8192)}
    assert codes[0] == 1
    assert codes[8192] == 0
    refused = [free for free, code in codes.items() if code]
    for free in refused:
        reasons = said(free, "err") or [line for line in said(free, "out") if line.startswith("failed: ")]
        assert len(reasons) == 1, (free, reasons)
        assert "can't write " in reasons[0], (free, reasons)
        assert "No space left on device" in reasons[0], (free, reasons)
    results = json.loads((tmp_path / "bench/results.json").read_text())
    assert [run["state"] for run in results["runs"]] == ["done"]
    count(f"a benchmark failed {len(refused)} times for want of room, and then did not")
