"""A short training, compared with only its forward and backward passes on views that are already on the device.

The training loads, draws, renders, augments, logs and saves as `ssltoolbox train` does, without evaluation.
No engine can save the time of the passes. Both sides are wall times with all cores, so nothing else may run.
The second row of each number of workers is the CPU time of all processes. With `--threads 1 --workers 0` and
`OMP_NUM_THREADS=1`, it can also be used on a busy machine.

    python benchmarks/whole_training.py --workers auto 0 --out whole.json
    python benchmarks/whole_training.py --net resnet18 --workers auto 0 1
    python benchmarks/whole_training.py --net resnet18 --root vox1
"""

from __future__ import annotations

import io
import os
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from frame_trees import repeated
from rich.console import Console
from side_by_side import Row, in_turn, parser, report

from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.cores import cores
from ssltoolbox.engine.core.stages import Drawn
from ssltoolbox.engine.training.run import train
from ssltoolbox.plan import Plan, load_plan

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
NETS = {
    "small": ([], 48, 600, 0.60),
    "resnet18": (["backbone={name: resnet18}", "views.size=112", "trainer.batch_size=32"], 112, 100, 0.85),
}
"""Settings beside the quickstart's, pixels, steps (its own with its own net), and the least share on a CPU."""
ON_A_GPU = 0.90
CLIPS = 128
"""At least as many as a batch of the quickstart has draws."""


@dataclass(frozen=True)
class Spent:
    """Seconds on the wall, and of work in all processes."""

    wall: float
    work: float

    @classmethod
    def on(cls, work: Callable[[], object]) -> Spent:
        """What a call takes."""
        start, before = time.perf_counter(), _worked()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return cls(time.perf_counter() - start, _worked() - before)


def _worked() -> float:
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def whole(plan: Plan) -> Spent:
    """The training of a plan, from its first line to the saved backbone."""
    with TemporaryDirectory() as folder:
        return Spent.on(lambda: train(plan, Path(folder, "run"), console=Console(file=io.StringIO())))


def pure(plan: Plan, threads: int) -> Spent:
    """As many forward and backward passes of the same method, always on the same views."""
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    components = Components(plan)
    method = components.method(distributed=False).to(device, memory_format=torch.channels_last).train()
    batch = components.batches.__getitems__([(0, draw) for draw in range(plan.counts.draws)]).to(device)
    ready = components.stages(Drawn(Position(0), batch))
    bf16 = device == "cuda" and torch.cuda.is_bf16_supported()

    def pass_both_ways() -> None:
        method.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = method.step(ready.inputs).loss
        loss.backward()

    pass_both_ways()
    return Spent.on(lambda: [pass_both_ways() for _ in range(plan.counts.steps)])


def main() -> None:
    """Runs all in turn, on the same frames; medians are compared."""
    options = parser(__doc__)
    options.set_defaults(repeats=3, threads=cores())
    options.add_argument("--net", choices=NETS, default="small")
    options.add_argument("--steps", type=int, help="steps [those of the quickstart; 100 with a ResNet-18]")
    options.add_argument("--root", type=Path, help="a tree of frames with landmarks68.npy [drawn faces]")
    options.add_argument(
        "--workers", nargs="+", default=["auto"], help="values of trainer.workers, a row for each"
    )
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    with TemporaryDirectory() as folder:
        if arguments.root:
            arguments.root = repeated(arguments.root, CLIPS, Path(folder, "clips"))
        compare(arguments)


def compare(arguments: Namespace) -> None:
    """Runs the training with each number of workers, and the passes alone."""
    settings, size, steps, least = NETS[arguments.net]
    steps = arguments.steps or steps
    from_disk = f"data={{name: frames, root: {arguments.root}, size: {size}}}"
    settings = [
        *settings,
        from_disk if arguments.root else f"data.size={size}",
        f"trainer.steps={steps}",
        "trainer.devices=1",
        "evaluate=[]",
        *arguments.set,
    ]
    plans = {
        workers: load_plan(RECIPE, [*settings, f"trainer.workers={workers}"]) for workers in arguments.workers
    }
    any_plan = next(iter(plans.values()))
    works = {workers: partial(whole, plan) for workers, plan in plans.items()}
    turns = in_turn({**works, "pure": partial(pure, any_plan, arguments.threads)}, arguments.repeats)
    images = any_plan.counts.images * any_plan.counts.steps
    at_least = ON_A_GPU if torch.cuda.is_available() else least

    def rate(side: str, kind: str) -> float:
        return images / median(getattr(spent, kind) for spent in turns[side])

    rows = [
        row
        for workers in plans
        for row in (
            Row(
                f"images a second, workers: {workers}",
                rate(workers, "wall"),
                rate("pure", "wall"),
                "",
                at_least=at_least,
            ),
            Row(f"of work, workers: {workers}", rate(workers, "work"), rate("pure", "work"), ""),
        )
    ]
    frames = "frames from disk" if arguments.root else "drawn faces"
    title = f"{steps} steps beside their forward and backward passes, {arguments.net} net, {frames}"
    facts = {"net": arguments.net, "frames": frames, "settings": arguments.set, "steps": steps}
    report(title, rows, arguments.out, **facts)


if __name__ == "__main__":
    main()
