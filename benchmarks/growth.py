"""How time and memory of commands grow with frames, clips, people, recipes, runs, steps and plugins.

Every command is measured at three sizes, each `--factor` times the one before. Each command is a process. Its
cost is CPU time, with that of its children, and peak memory. The script fits a + b · size ^ p to the three
costs, and the table has p. Linear growth has p = 1. *flat* means that the largest size costs no more than
noise. Rows that grow faster than linearly are marked.

    python benchmarks/growth.py --out growth.json
    python benchmarks/growth.py --only "data info" "plugins list"
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import growth_material as material
from growth_material import FRAMES_OF_A_CLIP, RECIPE
from rich.console import Console
from rich.table import Table
from side_by_side import in_turn, machine, parser

from ssltoolbox.support.files import write_json

NOISE, FASTER = 0.15, 1.25
"""Seconds that are no growth, and the exponent above which a row is marked."""
MEASURED = """
import atexit, json, os, resource, sys
from pathlib import Path

def note():
    times, status = os.times(), Path("/proc/self/status")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if status.exists():
        peak = next(int(l.split()[1]) for l in status.read_text().splitlines() if l.startswith("VmHWM:"))
    Path({note!r}).write_text(json.dumps([sum(times[:4]), peak * 1024]))

atexit.register(note)
sys.argv = ["ssltoolbox", *{arguments!r}]
from ssltoolbox.cli import main
main()
"""


@dataclass(frozen=True)
class Command:
    """A command to measure.

    Attributes:
        name: in the table.
        grows: what grows.
        largest: the third size; the first two are smaller by the factor and its square.
        arguments: makes what the command needs, in a folder, and gives its arguments.
        environment: makes what its environment has beside ours.
    """

    name: str
    grows: str
    largest: int
    arguments: Callable[[Path, int], Sequence[str | Path]]
    environment: Callable[[Path, int], dict[str, str]] = lambda folder, size: {}


@dataclass(frozen=True)
class Cost:
    """CPU seconds, and bytes at the peak of the command's own process."""

    seconds: float
    memory: int


def _on_an_index(index: Path) -> list[str]:
    """Changes of the quickstart: frames of an index, which has neither landmarks nor labels."""
    data = f"data={{name: frames, index: {index}, size: {material.SIZE}}}"
    return ["--set", data, "--set", "maskers=[]", "--set", "evaluate=[]"]


def _frames(folder: Path, frames: int) -> Path:
    return material.packed_index(folder, max(1, frames // FRAMES_OF_A_CLIP))


def _clips(folder: Path, clips: int) -> Path:
    return material.packed_index(folder, clips, frames=6)


def _people(folder: Path, people: int) -> Path:
    return material.packed_index(folder, clips=20_000, frames=6, people=people)


def _looks(make: Callable[[Path, int], Path], grows: str, largest: int) -> list[Command]:
    """The commands that look at an index without reading all of its images."""
    return [
        Command("data info", grows, largest, lambda folder, n: ["data", "info", make(folder, n)]),
        Command("check", grows, largest, lambda folder, n: ["check", RECIPE, *_on_an_index(make(folder, n))]),
        Command(
            "preview",
            grows,
            largest,
            lambda folder, n: [
                "preview",
                RECIPE,
                "-o",
                folder / "pairs.png",
                *_on_an_index(make(folder, n)),
            ],
        ),
    ]


def _train(folder: Path, frames: int) -> list[str | Path]:
    few = ["--set", "trainer.steps=2", "--set", "trainer.batch_size=8"]
    return ["train", RECIPE, *few, "--out", folder / "run", *_on_an_index(_frames(folder, frames))]


def _indexes(make: Callable[[Path, int, int], Path], grows: str) -> Command:
    """`data index` of what is made from a number of clips, and of frames in each."""

    def arguments(folder: Path, frames: int) -> list[str | Path]:
        clips = max(1, frames // FRAMES_OF_A_CLIP)
        return ["data", "index", make(folder, clips, FRAMES_OF_A_CLIP), "-o", folder / "made.index"]

    return Command("data index", grows, 1_000_000, arguments)


def _embed(folder: Path, frames: int) -> list[str | Path]:
    index = _frames(folder, frames)
    return ["embed", "random", index, "-o", folder / "x.parquet", "--recipe", RECIPE]


def _dry_run(folder: Path, recipes: int) -> list[str | Path]:
    grid, out = material.grid(folder, recipes, seeds=3)
    return ["bench", grid, "--out", out, "--dry-run"]


def _collect_recipes(folder: Path, recipes: int) -> list[str | Path]:
    grid, out = material.grid(folder, recipes, seeds=3, finished=True)
    return ["bench", grid, "--out", out, "--collect"]


def _collect(folder: Path, runs: int) -> list[str | Path]:
    grid, out = material.grid(folder, 4, seeds=max(1, runs // 4), finished=True)
    return ["bench", grid, "--out", out, "--collect"]


def _compare(folder: Path, runs: int) -> list[str | Path]:
    made = [material.run(folder, f"run{number}", rows=600, seed=number) for number in range(max(2, runs))]
    return ["compare", *made, "-o", folder / "page.html"]


def _report(folder: Path, rows: int) -> list[str | Path]:
    return ["report", material.run(folder, "run", rows)]


def _plugins(folder: Path, count: int) -> dict[str, str]:
    return {"PYTHONPATH": str(material.plugins(folder, count))}


COMMANDS = [
    *_looks(_frames, "frames", 1_000_000),
    Command("train, 2 steps", "frames", 1_000_000, _train),
    *_looks(_clips, "clips", 100_000),
    *_looks(_people, "people of 20,000 clips", 20_000),
    _indexes(material.tree, "frames in folders"),
    _indexes(material.table, "rows of a CSV file"),
    _indexes(material.tars, "frames in tar files"),
    Command("embed", "frames", 10_000, _embed),
    Command("bench --dry-run", "recipes of a grid", 48, _dry_run),
    Command("bench --collect", "recipes of a grid, 3 runs each", 48, _collect_recipes),
    Command("bench --collect", "runs of 4 recipes", 200, _collect),
    Command("compare", "runs", 32, _compare),
    Command("report", "logged steps", 100_000, _report),
    Command("plugins list", "plugins", 100, lambda folder, n: ["plugins", "list"], _plugins),
    Command("check", "plugins", 100, lambda folder, n: ["check", RECIPE], _plugins),
    Command("ssltoolbox --help", "plugins", 100, lambda folder, n: ["--help"], _plugins),
]


def cost(command: Command, size: int) -> Cost:
    """Makes what the command needs, and runs it."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(argument) for argument in command.arguments(Path(folder), size)]
        environment = os.environ | command.environment(Path(folder), size)
        note = Path(folder, "note.json")
        code = MEASURED.format(note=str(note), arguments=arguments)
        process = subprocess.run(
            [sys.executable, "-c", code],
            env=environment,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode:
            sys.exit(f"{command.name} with {size:,} {command.grows} fails: {process.stderr[-2000:]}")
        return Cost(*json.loads(note.read_text()))


def exponent(costs: Sequence[float], factor: float, noise: float) -> float | None:
    """p of a + b · size ^ p through three costs; None where they do not grow.

    A quarter of the first cost is no growth either: so much differs from run to run on a busy machine.

    >>> round(exponent([1.5, 3, 9], 2, 0.1), 6)  # 1 + size² / 2
    2.0
    """
    first, second, third = costs
    noise = max(noise, first / 4)
    if third - first < noise:
        return None
    least = noise / 4
    return math.log(max(third - second, least) / max(second - first, least)) / math.log(factor)


def main() -> None:
    """Measures every command at three sizes and prints the table."""
    options = parser(__doc__)
    options.set_defaults(repeats=1)
    options.add_argument("--only", nargs="+", default=[], help="names of commands [all]")
    options.add_argument("--factor", type=int, default=4, help="ratio of one size to the one before")
    options.add_argument("--scale", type=float, default=1.0, help="factor of the largest sizes")
    arguments = options.parse_args()
    table = Table(title="How commands grow", title_justify="left")
    table.add_column("command")
    table.add_column("grows")
    for column in ("sizes", "CPU seconds", "p", "peak, MB", "p of memory"):
        table.add_column(column, justify="right")
    rows = []
    for command in COMMANDS:
        if arguments.only and command.name not in arguments.only:
            continue
        largest = max(2, round(command.largest * arguments.scale))
        sizes = [max(2, largest // arguments.factor**power) for power in (2, 1, 0)]
        turns = in_turn(
            {str(size): lambda size=size, command=command: cost(command, size) for size in sizes},
            arguments.repeats,
        )
        seconds = [median(one.seconds for one in turns[str(size)]) for size in sizes]
        memory = [median(one.memory for one in turns[str(size)]) / 1e6 for size in sizes]
        of_time = exponent(seconds, arguments.factor, NOISE)
        of_memory = exponent(memory, arguments.factor, 10)
        table.add_row(
            command.name,
            command.grows,
            ", ".join(f"{size:,}" for size in sizes),
            ", ".join(f"{second:.2f}" for second in seconds),
            _word(of_time),
            ", ".join(f"{each:,.0f}" for each in memory),
            _word(of_memory),
        )
        turns_of_size = {size: [asdict(one) for one in costs] for size, costs in turns.items()}
        rows.append(
            {
                "command": command.name,
                "grows": command.grows,
                "turns": turns_of_size,
                "time": of_time,
                "memory": of_memory,
            }
        )
        print(f"{command.name}, {command.grows}: {seconds}", file=sys.stderr, flush=True)
    here = machine()
    table.caption = f"{here['date']}, {here['cores']} cores of {here['processor']}, load {here['load']}"
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    if arguments.out:
        write_json(arguments.out, {"title": table.title, **here, "factor": arguments.factor, "rows": rows})


def _word(power: float | None) -> str:
    if power is None:
        return "flat"
    return f"{power:.1f}" + (" [red]faster than a line[/]" if power > FASTER else "")


if __name__ == "__main__":
    main()
