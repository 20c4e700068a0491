"""The cost of a step as it grows: milliseconds for an image, for each stage. One setting is changed at a time.

Loading is done by workers, and the other stages by the device: the ratio says how many workers keep a device
busy. On one CPU thread, CPU time is measured, so other work on the machine has little effect.

Then the script measures how fast the loader is with more and more workers. They only load, as with a GPU, or
also describe, render and make the views, as without one. This is wall time, and needs as many idle cores as
workers.

    python benchmarks/scaling.py --out scaling.json
    python benchmarks/scaling.py --batch 64 256 1024 4096 --size 64 112 224 --hard 0 1 2 4 \\
        --clips 1000 1000000 --workers 0 1 2 4 8 16
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from side_by_side import clock, machine, parser

from ssltoolbox.api import StepInputs
from ssltoolbox.data.drawing.sampler import DrawSampler, Sharing
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.reading import Fetched, Loader
from ssltoolbox.engine.core.stages import augmented, render, rows_of, seed_device
from ssltoolbox.engine.training.loader import Fetch
from ssltoolbox.plan import load_plan
from ssltoolbox.support.files import write_json

RECIPE = Path(__file__).parents[1] / "recipes" / "synthetic" / "g.yaml"
STAGES = ("draw", "load", "describe", "render", "views", "forward", "backward")


def stage_milliseconds(components: Components, repeats: int, now: Callable[[], float]) -> dict[str, float]:
    """What an image costs in each stage, the median of `repeats` steps after a first one."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    bf16 = device == "cuda" and torch.cuda.is_bf16_supported()
    counts = components.plan.counts
    method = components.method(distributed=False).to(device, memory_format=torch.channels_last).train()
    turns: dict[str, list[float]] = {stage: [] for stage in STAGES}
    for step in range(1 + repeats):
        marks = [now()]
        # Each step is of an epoch of its own, or the draws of a short one would come again.
        slots = [(step, draw) for draw in range(counts.draws)]
        for slot in slots:
            components.batches.drawer.draw(*slot)
        marks.append(now())
        batch = components.batches.__getitems__(slots)
        marks.append(now())
        batch = batch.to(device)
        seed_device(0, step, 0, 0)
        rows = rows_of(batch, components.maskers.describe(batch))
        marks.append(now())
        batch = render(components.generators, batch)[-1]
        marks.append(now())
        view_a, view_b, _ = augmented(components.view, batch)
        marks.append(now())
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = method.step(StepInputs(view_a, view_b, rows)).loss
        marks.append(now())
        loss.backward()
        marks.append(now())
        if step:
            for stage, begun, ended in zip(STAGES, marks, marks[1:], strict=False):
                turns[stage].append(1000 * (ended - begun) / counts.images)
    found = {stage: median(values) for stage, values in turns.items()}
    # Loading draws again what was drawn just before.
    return {**found, "load": max(0.0, found["load"] - found["draw"])}


def images_a_second(components: Components, workers: int, steps: int, prepares: bool) -> float:
    """What a loader gives that nobody waits for, its start left out."""
    counts = components.plan.counts
    sharing = Sharing(counts.steps_per_epoch, counts.draws)
    fetch = Fetch(components.batches, components.stages if prepares else None, components.blame)
    batches = Loader(
        Fetched(fetch, len(components.batches)),
        sampler=DrawSampler(sharing, 1 + max(1, workers) + steps, lambda: 0),
        batch_size=None,
        num_workers=workers,
    )
    given = iter(batches)
    for _ in range(1 + max(1, workers)):
        next(given)
    start = time.perf_counter()
    for _ in given:
        pass
    return counts.images * steps / (time.perf_counter() - start)


def main() -> None:
    """Prints a row for each setting, and one for each number of workers."""
    options = parser(__doc__)
    options.set_defaults(repeats=3)
    options.add_argument("--batch", type=int, nargs="*", default=[32, 128], help="instances in a batch")
    options.add_argument("--size", type=int, nargs="*", default=[48, 96], help="size of images in pixels")
    options.add_argument("--hard", type=int, nargs="*", default=[0, 3], help="hard negatives of a sample")
    options.add_argument("--clips", type=int, nargs="*", default=[1000, 100_000])
    options.add_argument(
        "--workers", type=int, nargs="*", default=[0, 1, 2], help="numbers of loader workers"
    )
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    torch.set_num_threads(arguments.threads)
    settings: dict[str, list[str]] = {"as it is": []}
    settings |= {
        f"batch {batch}": [f"trainer.batch_size={batch}", f"data.clips={max(1000, batch)}"]
        for batch in arguments.batch
    }
    settings |= {f"{size} px": [f"data.size={size}", f"views.size={size}"] for size in arguments.size}
    settings |= {f"{count} hard neg.": _hard(count) for count in arguments.hard}
    settings |= {f"{clips:,} clips": [f"data.clips={clips}"] for clips in arguments.clips}
    now = clock(arguments.threads)
    found: dict[str, dict[str, Any]] = {}
    table = Table(title="Milliseconds an image", title_justify="left", box=None, pad_edge=False)
    table.caption, table.caption_justify = (
        "ratio: the device's stages over the worker's, draw and load",
        "left",
    )
    for column in ("setting", *STAGES, "ratio"):
        table.add_column(column, justify="left" if column == "setting" else "right", no_wrap=True)
    for name, changes in settings.items():
        plan = load_plan(RECIPE, ["trainer.batch_size=64", *arguments.set, *changes])
        spent = stage_milliseconds(Components(plan), arguments.repeats, now)
        worker = spent["draw"] + spent["load"]
        device = sum(spent.values()) - worker
        found[name] = {**spent, "device_over_worker": device / worker}
        table.add_row(name, *(f"{spent[stage]:.3f}" for stage in STAGES), f"{device / worker:.1f}")
    console = Console()
    console.print(table)
    warnings.filterwarnings("ignore", "This DataLoader will create")  # more workers than cores, on purpose
    components = Components(load_plan(RECIPE, ["trainer.batch_size=64", "data.keep=0", *arguments.set]))
    loaded, prepared = (
        {
            workers: images_a_second(components, workers, 8 * max(1, workers), prepares)
            for workers in arguments.workers
        }
        for prepares in (False, True)
    )
    for workers in arguments.workers:
        console.print(
            f"{workers} workers load {loaded[workers]:,.0f} images a second, "
            f"or load and prepare {prepared[workers]:,.0f}",
            highlight=False,
        )
    if arguments.out:
        facts = {
            "milliseconds_an_image": found,
            "images_loaded_a_second": loaded,
            "images_prepared_a_second": prepared,
        }
        write_json(arguments.out, {**machine(), **facts})


def _hard(count: int) -> list[str]:
    """About as many instances, but of whole draws."""
    negatives = f"negatives=[{{name: hard_neg, count: {count}}}]" if count else "negatives=[]"
    return [negatives, f"trainer.batch_size={64 - 64 % (1 + count)}"]


if __name__ == "__main__":
    main()
