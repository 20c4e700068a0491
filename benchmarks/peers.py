"""A short SimCLR training by ssltoolbox and by similar libraries, each in its own environment.

All train the same network of timm on the same images from disk, with the same number of pairs in a step, on
all cores. The augmentations are the same, as far as each library has them. Each training is a process, and
the libraries take turns. The numbers are:

- pairs per second over the whole process, from its start to its end;
- pairs per second in steady state: by the median time of a step, over the later half of the steps. Its share of
  what forward and backward passes alone reach, without data and without an optimiser, which take a turn too;
- pairs per CPU second of all its processes, which other work on the machine changes less;
- seconds to the end of the first step, and from the last step to the end of the process;
- peak memory: resident memory of the process and its children together. Shared pages count more than once;
  the file of `--out` also has the memory with each page counted once;
- size of the environment, and the part of it that is not torch and not needed by torch;
- seconds to import what a training needs.

Without `--folder`, nothing is installed: the libraries that this script's Python can import are compared.

    python benchmarks/peers.py --folder environments --out peers.json
    python benchmarks/peers.py --folder environments --network resnet50 --size 112 --steps 40
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

from peer_environments import PASSES, Environment, environments
from peer_runs.job import Job
from PIL import Image
from rich.console import Console
from rich.table import Table
from side_by_side import in_turn, machine, parser

from ssltoolbox.support.files import write_json

RUNS = Path(__file__).parent / "peer_runs"
FRAMES, PEOPLE = 16, 40
"""Frames of a drawn clip at most, and drawn people at most."""
SECONDS_BETWEEN_LOOKS = 0.25


@dataclass(frozen=True)
class Spent:
    """What one training took; see the module.

    Attributes:
        whole, steady: pairs a second.
        work: pairs for each second of a core, of all processes together.
        first, after: seconds before the end of the first step, and after the last.
        resident, unshared: bytes at the peak.
    """

    whole: float
    steady: float
    work: float
    first: float
    after: float
    resident: int
    unshared: int


class Failed(Exception):
    """A library's training did not end well."""


class Memory(threading.Thread):
    """Watches the memory of a process and of all that it starts, until it has ended (Linux)."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        super().__init__(daemon=True)
        self.resident = self.unshared = 0
        self._process = process

    def run(self) -> None:
        """Looks again and again, and keeps the peaks."""
        while self._process.poll() is None:
            family = _family(self._process.pid)
            self.resident = max(self.resident, sum(_kilobytes(pid, "Rss:") for pid in family) * 1024)
            self.unshared = max(self.unshared, sum(_kilobytes(pid, "Pss:") for pid in family) * 1024)
            time.sleep(SECONDS_BETWEEN_LOOKS)


def _family(pid: int) -> list[int]:
    """A process and all below it."""
    try:
        children = [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [pid, *(one for child in children for one in _family(child))]


def _kilobytes(pid: int, field: str) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has just ended
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(field)), 0)


def draw_images(folder: Path, images: int, pairs: int, size: int) -> None:
    """Drawn faces as JPEGs, person/video/clip/*.jpg. Our batches need a clip for each pair."""
    from ssltoolbox.data.synthetic_faces.dataset import SyntheticFaces
    from ssltoolbox.data.synthetic_faces.options import SyntheticFacesOptions

    clips = max(pairs, -(-images // FRAMES))
    frames = -(-images // clips)
    options = SyntheticFacesOptions(
        identities=min(PEOPLE, clips), clips=clips, frames=frames, size=size, zoom=1.4, keep=0
    )
    faces = SyntheticFaces(options, "train")
    for clip in range(clips):
        place = folder / f"id{faces.clip(clip).identity:04d}" / f"v{clip:05d}" / "c"
        place.mkdir(parents=True)
        drawn = faces.read([clip] * frames, range(frames)).images.permute(0, 2, 3, 1).numpy()
        for number, image in enumerate(drawn):
            Image.fromarray(image).save(place / f"{number:07d}.jpg", quality=90)


def stored_size(folder: Path) -> int:
    """The larger side of the first image of a folder."""
    with Image.open(min(folder.rglob("*.jpg"))) as image:
        return max(image.size)


def train(environment: Environment, job: Job) -> Spent:
    """One training, as a process.

    What a training printed that did not end well goes to the standard error.

    Raises:
        Failed: with the last line of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        times = Path(folder, "times.txt")
        out = Path(folder, "out")
        out.mkdir()
        told = Path(folder, "job.json")
        told.write_text(json.dumps(asdict(job) | {"out": str(out), "times": str(times)}))
        command = [str(environment.python), str(RUNS / environment.library.script), str(told)]
        with Path(folder, "printed.txt").open("w+") as printed:
            begun, worked = time.time(), _worked()
            process = subprocess.Popen(command, stdout=printed, stderr=subprocess.STDOUT, cwd=folder)
            memory = Memory(process)
            memory.start()
            code = process.wait()
            ended = time.time()
            memory.join()
            worked = _worked() - worked
            printed.seek(0)
            lines = printed.read().strip().splitlines()
        if code:
            print("\n".join(lines[-40:]), file=sys.stderr)
            raise Failed(lines[-1] if lines else f"it ended with {code}")
        steps = [float(line) for line in times.read_text().split()]
    if len(steps) != job.steps:
        raise Failed(f"it did {len(steps)} steps instead of {job.steps}")
    later = steps[len(steps) // 2 - 1 :]
    gaps = [after - before for before, after in pairwise(later)]
    return Spent(
        whole=job.pairs * job.steps / (ended - begun),
        steady=job.pairs / median(gaps),
        work=job.pairs * job.steps / worked,
        first=steps[0] - begun,
        after=ended - steps[-1],
        resident=memory.resident,
        unshared=memory.unshared,
    )


def _worked() -> float:
    """CPU seconds of all processes that this one has started and awaited."""
    times = os.times()
    return times.children_user + times.children_system


def import_seconds(environment: Environment) -> float:
    """A process that imports what a training needs, on the wall."""
    begun = time.perf_counter()
    code = "; ".join(f"import {module}" for module in environment.library.modules)
    subprocess.run([environment.python, "-c", code], capture_output=True, check=True)
    return time.perf_counter() - begun


def spread(values: Sequence[float], digits: int = 1) -> str:
    """The median, and between which values it lies."""
    text = f"{median(values):.{digits}f}"
    return text if len(values) == 1 else f"{text} [{min(values):.{digits}f}, {max(values):.{digits}f}]"


def table_of(
    title: str, found: Mapping[str, Mapping[str, Any]], missing: Mapping[str, str], caption: str
) -> Table:
    """A line for each library."""
    table = Table(title=title, caption=caption, title_justify="left", caption_justify="left")
    table.add_column("library")
    for column in (
        "pairs/s, whole run",
        "to ours",
        "steady pairs/s",
        "of the passes",
        "pairs/CPU s",
        "first step, s",
        "after the last, s",
        "peak, GB",
        "size, MB",
        "beside torch, MB",
        "imports, s",
    ):
        table.add_column(column, justify="right")
    ours = median(spent.whole for spent in next(iter(found.values()))["turns"])
    passes = median(spent.steady for spent in found[PASSES.name]["turns"])
    for name, facts in found.items():
        turns: list[Spent] = facts["turns"]
        if name == PASSES.name:
            table.add_row(name, "", "", spread([spent.steady for spent in turns]), "1.00")
            continue
        size, beside = facts["megabytes"], facts["megabytes_beside_torch"]
        table.add_row(
            name,
            spread([spent.whole for spent in turns]),
            f"{median(spent.whole for spent in turns) / ours:.2f} ×",
            spread([spent.steady for spent in turns]),
            f"{median(spent.steady for spent in turns) / passes:.2f}",
            spread([spent.work for spent in turns]),
            spread([spent.first for spent in turns]),
            spread([spent.after for spent in turns]),
            spread([spent.resident / 1e9 for spent in turns], 2),
            "" if size is None else f"{size:,.0f}",
            "" if beside is None else f"{beside:,.0f}",
            spread(facts["imports"]),
        )
    for name, reason in missing.items():
        table.add_row(name, reason)
    return table


def compare(usable: Sequence[Environment], job: Job, repeats: int) -> tuple[dict[str, Any], dict[str, str]]:
    """The numbers of each library, and why those failed that did."""
    failed: dict[str, str] = {}

    def turn(environment: Environment) -> Spent | None:
        if environment.library.name in failed:
            return None
        try:
            spent = train(environment, job)
            print(f"{environment.library.name}: {spent}", file=sys.stderr, flush=True)
            return spent
        except Failed as reason:
            failed[environment.library.name] = str(reason)
            return None

    by_name = {environment.library.name: environment for environment in usable}
    turns = in_turn({name: lambda one=one: turn(one) for name, one in by_name.items()}, repeats)
    imports = in_turn({name: lambda one=one: import_seconds(one) for name, one in by_name.items()}, repeats)
    found = {
        name: {
            "turns": turns[name],
            "imports": imports[name],
            "megabytes": one.megabytes,
            "megabytes_beside_torch": one.megabytes_beside_torch,
        }
        for name, one in by_name.items()
        if name not in failed
    }
    return found, failed


def main() -> None:
    """Installs what is missing, trains in turn and prints the table."""
    options = parser(__doc__)
    options.set_defaults(repeats=2)
    options.add_argument("--folder", type=Path, help="folder of the environments")
    options.add_argument("--install-only", action="store_true", help="only install the environments")
    options.add_argument("--images", type=Path, help="a tree person/video/clip/*.jpg [drawn faces]")
    options.add_argument(
        "--network", default="resnet18", help="network of timm, such as resnet10t or resnet50"
    )
    options.add_argument("--size", type=int, default=64, help="height and width of a view")
    options.add_argument("--pairs", type=int, default=64, help="pairs in a step")
    options.add_argument("--steps", type=int, default=80)
    options.add_argument(
        "--workers", type=int, default=os.cpu_count(), help="loader workers of the other libraries"
    )
    options.add_argument("--only", nargs="+", default=[], help="names of libraries [all]")
    arguments = options.parse_args()
    found_environments = environments(arguments.folder and arguments.folder.absolute())
    if arguments.install_only:
        return
    missing = {one.library.name: one.missing for one in found_environments if one.missing}
    usable = [
        one
        for one in found_environments
        if not one.missing and (one.library.name in (*arguments.only, "ssltoolbox") or not arguments.only)
    ]
    with tempfile.TemporaryDirectory() as folder:
        images = arguments.images and arguments.images.absolute()
        if images is None:
            images = Path(folder, "images")
            draw_images(images, arguments.pairs * arguments.steps, arguments.pairs, arguments.size * 3 // 2)
        job = Job(
            images=str(images),
            stored=stored_size(images),
            size=arguments.size,
            network=arguments.network,
            pairs=arguments.pairs,
            steps=arguments.steps,
            workers=arguments.workers,
            out="",
            times="",
        )
        load = os.getloadavg()[0]
        passes = replace(usable[0], library=PASSES, path=None)
        found, failed = compare([*usable, passes], job, arguments.repeats)
    for needed in ("ssltoolbox", PASSES.name):
        if needed not in found:
            sys.exit(f"{needed}: {failed[needed]}")
    here = machine() | {"load": round(load, 1)}
    source = "images of a folder" if arguments.images else "drawn faces"
    title = (
        f"SimCLR, {job.network}, {job.size} px, {job.steps} steps of {job.pairs} pairs, {source} of "
        f"{job.stored} px, {arguments.repeats} turns"
    )
    caption = (
        f"{here['date']}, {here['device']}, {here['cores']} cores of {here['processor']}, load before {load:.1f}, "
        f"torch {here['versions']['torch']}"
    )
    Console(width=None if sys.stdout.isatty() else 200).print(
        table_of(title, found, missing | failed, caption)
    )
    if arguments.out:
        numbers = {
            name: facts | {"turns": [asdict(spent) for spent in facts["turns"]]}
            for name, facts in found.items()
        }
        write_json(
            arguments.out,
            {"title": title, **here, "job": asdict(job), "libraries": numbers, "missing": missing | failed},
        )


if __name__ == "__main__":
    main()
