"""A short training as a whole against its own forward and backward passes on views that lie on the device.

The training loads, draws, renders, augments, logs and saves as `ssltoolbox train` does, without evaluation; what
is beside it is what no engine can save. Both on the wall with all cores; the second row is the work of all
processes together, for a machine that does other things too.

    python benchmarks/whole_training.py --steps 200 --out whole.json
    python benchmarks/whole_training.py --net resnet18 --steps 20
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import torch
from rich.console import Console
from side_by_side import Row, parser, report

from ssltoolbox.engine.build import Parts
from ssltoolbox.engine.cores import cores
from ssltoolbox.engine.stages import rows_of, two_views
from ssltoolbox.engine.train import train
from ssltoolbox.plan import Plan, load_plan

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
NETS = {
    "small": ([], 0.60),
    "resnet18": (["backbone={name: resnet18}", "views.size=112", "data.size=112"], 0.85),
}
"""Settings beside the quickstart's, and the least share on a CPU."""
ON_A_GPU = 0.90


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
    parts = Parts(plan)
    method = parts.method(distributed=False).to(device, memory_format=torch.channels_last).train()
    batch = parts.batches.__getitems__([(0, draw) for draw in range(plan.counts.draws)]).to(device)
    rows = rows_of(batch, parts.maskers.describe(batch))
    view_a, view_b = two_views(parts.view, batch)
    bf16 = device == "cuda" and torch.cuda.is_bf16_supported()

    def pass_both_ways() -> None:
        method.zero_grad()
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = method.step(view_a, view_b, rows).loss
        loss.backward()

    pass_both_ways()
    return Spent.on(lambda: [pass_both_ways() for _ in range(plan.counts.steps)])


def main() -> None:
    """Runs both in turn; medians are compared."""
    options = parser(__doc__)
    options.set_defaults(repeats=3, threads=cores())
    options.add_argument("--net", choices=NETS, default="small")
    options.add_argument("--steps", type=int, default=200)
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    settings, least = NETS[arguments.net]
    plan = load_plan(RECIPE, [*settings, f"trainer.steps={arguments.steps}", "evaluate=[]", *arguments.set])
    turns = [(whole(plan), pure(plan, arguments.threads)) for _ in range(arguments.repeats)]
    images = plan.counts.images * plan.counts.steps
    rates = {
        kind: [images / median(getattr(spent, kind) for spent in side) for side in zip(*turns, strict=True)]
        for kind in ("wall", "work")
    }
    at_least = ON_A_GPU if torch.cuda.is_available() else least
    rows = [
        Row("images a second", *rates["wall"], "", at_least=at_least),
        Row("images a second of work", *rates["work"], ""),
    ]
    title = (
        f"A training of {arguments.steps} steps beside its forward and backward passes, {arguments.net} net"
    )
    facts = {"net": arguments.net, "settings": arguments.set, "steps": arguments.steps}
    report(title, rows, arguments.out, **facts)


if __name__ == "__main__":
    main()
