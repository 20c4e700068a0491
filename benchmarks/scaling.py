"""What a step costs as it grows: milliseconds an image, stage by stage, one setting changed at a time.

Loading is the work of a worker, all else the device's: their ratio says how many workers keep a device busy. On
one thread of a CPU it is CPU time, so that a busy machine doesn't count.

    python benchmarks/scaling.py --batch 64 256 1024 --size 48 112 224 --hard 0 1 4 --out scaling.json
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from side_by_side import clock, machine, parser

from ssltoolbox.engine.build import Parts
from ssltoolbox.engine.files import write_json
from ssltoolbox.engine.stages import render, rows_of, seed_device, two_views
from ssltoolbox.plan import load_plan

RECIPE = Path(__file__).parents[1] / "recipes" / "synthetic" / "g.yaml"
STAGES = ("draw", "load", "describe", "render", "views", "forward", "backward")


def stage_milliseconds(parts: Parts, repeats: int, now: Callable[[], float]) -> dict[str, float]:
    """What an image costs in each stage, the median of `repeats` steps after a first one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    counts = parts.plan.counts
    method = parts.method(distributed=False).to(device, memory_format=torch.channels_last).train()
    turns: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for step in range(1 + repeats):
        marks = [now()]
        slots = [(0, step * counts.draws + draw) for draw in range(counts.draws)]
        for slot in slots:
            parts.batches.drawer.draw(*slot)
        marks.append(now())
        batch = parts.batches.__getitems__(slots)
        marks.append(now())
        batch = batch.to(device)
        seed_device(0, step, 0, 0)
        rows = rows_of(batch, parts.maskers.describe(batch))
        marks.append(now())
        batch = render(parts.generators, batch)[-1]
        marks.append(now())
        view_a, view_b = two_views(parts.view, batch)
        marks.append(now())
        loss = method.step(view_a, view_b, rows).loss
        marks.append(now())
        loss.backward()
        marks.append(now())
        if step:
            for stage, begun, ended in zip(STAGES, marks, marks[1:], strict=False):
                turns[stage].append(1000 * (ended - begun) / counts.images)
    found = {stage: median(values) for stage, values in turns.items()}
    # Loading draws again what was drawn just before.
    return {**found, "load": max(0.0, found["load"] - found["draw"])}


def main() -> None:
    """Prints a row for each setting."""
    options = parser(__doc__)
    options.set_defaults(repeats=3)
    options.add_argument("--batch", type=int, nargs="*", default=[32, 128], help="instances")
    options.add_argument("--size", type=int, nargs="*", default=[48, 96], help="of images, in pixels")
    options.add_argument("--hard", type=int, nargs="*", default=[0, 3], help="hard negatives of a draw")
    options.add_argument("--clips", type=int, nargs="*", default=[1000, 100_000])
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    settings: dict[str, list[str]] = {"as it is": []}
    settings |= {f"batch {batch}": [f"trainer.batch_size={batch}"] for batch in arguments.batch}
    settings |= {f"{size} px": [f"data.size={size}", f"views.size={size}"] for size in arguments.size}
    settings |= {f"{count} hard negatives": [_hard(count)] for count in arguments.hard}
    settings |= {f"{clips:,} clips": [f"data.clips={clips}"] for clips in arguments.clips}
    now = clock(arguments.threads)
    found: dict[str, dict[str, Any]] = {}
    table = Table(title="Milliseconds an image", title_justify="left")
    for column in ("setting", *STAGES, "device / worker"):
        table.add_column(column, justify="left" if column == "setting" else "right")
    for name, changes in settings.items():
        plan = load_plan(RECIPE, ["trainer.batch_size=64", *arguments.set, *changes])
        spent = stage_milliseconds(Parts(plan), arguments.repeats, now)
        worker = spent["draw"] + spent["load"]
        device = sum(spent.values()) - worker
        found[name] = {**spent, "device_over_worker": device / worker}
        table.add_row(name, *(f"{spent[stage]:.3f}" for stage in STAGES), f"{device / worker:.1f}")
    Console().print(table)
    if arguments.out:
        write_json(arguments.out, {**machine(), "milliseconds_an_image": found})


def _hard(count: int) -> str:
    return f"negatives=[{{name: hard_neg, count: {count}}}]" if count else "negatives=[]"


if __name__ == "__main__":
    main()
