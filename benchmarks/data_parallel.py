"""Two ranks, compared with one on the same batch: the loss, the time of a step, and the cost of communication.

The network has no batch statistics, because on a CPU each rank has its own. Both sides use the same views. On
a CPU, each rank has one thread, and gloo connects them, so two cores must be idle. With two GPUs, each rank
has one.

A step of a rank is timed in three ways: as DDP does it, without exchanging gradients, and with all gradients
exchanged after the backward pass. All three gather the embeddings. On GPUs, which copy while they compute,
DDP should add less time than the exchange after the backward pass. On a CPU, the exchange uses the same
cores. So the script measures which share of the time of the exchange has passed when the last gradient is
known. DDP sends 25 MB at once, so a small network has nothing to overlap.

    python benchmarks/data_parallel.py --out data_parallel.json
    python benchmarks/data_parallel.py --set backbone.name=resnet18 --set trainer.batch_size=256
"""

from __future__ import annotations

import sys
import time
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
import torch.distributed as dist
from side_by_side import Row, in_turn, parser, report
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from ssltoolbox.api import Batch, Rows, StepInputs
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import augmented, rows_of, seed_device
from ssltoolbox.plan import load_plan

RECIPE = Path(__file__).parents[1] / "recipes" / "quickstart.yaml"
SETTINGS = (
    "positives=[]",
    "negatives=[]",
    "maskers=[]",
    "method={name: simclr, batch_norm: false}",
    "backbone={name: resnet50_gn}",
    "trainer.batch_size=64",
)
RANKS = 2
WAYS = ("ddp", "alone", "after")
"""As the engine has it; without communication of gradients; with it after the backward pass."""


class Step(nn.Module):
    """A method's step as what DDP wraps: its loss."""

    def __init__(self, components: Components, distributed: bool) -> None:
        super().__init__()
        self.method: Any = components.method(distributed)

    def forward(self, view_a: Tensor, view_b: Tensor, rows: Rows) -> Tensor:
        """[M, 3, S, S] twice → []."""
        loss: Tensor = self.method.step(StepInputs(view_a, view_b, rows)).loss
        return loss


def on_rank(rank: int, ranks: int, settings: list[str], repeats: int, folder: str) -> None:
    """Leaves the losses and the milliseconds of each way of a rank in a file of the folder."""
    torch.set_num_threads(1)
    device = torch.device("cuda", rank) if torch.cuda.is_available() else torch.device("cpu")
    if device.type == "cuda":
        torch.cuda.set_device(device)
    if ranks > 1:
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(
            backend, init_method=f"file://{folder}/rendezvous", rank=rank, world_size=ranks
        )
    components = Components(load_plan(RECIPE, settings))
    step: nn.Module = Step(components, distributed=ranks > 1).to(device, memory_format=torch.channels_last)
    inputs = inputs_of(components, rank, ranks, device)
    if ranks > 1:
        step = DistributedDataParallel(step)
    works = {way: partial(milliseconds, step, inputs, way) for way in (WAYS if ranks > 1 else ("alone",))}
    turns = in_turn(works, 1 + repeats)
    loss = step(*inputs).detach()
    found: dict[str, Any] = {"ms": {way: median(times[1:]) for way, times in turns.items()}}
    if isinstance(step, DistributedDataParallel):
        dist.all_reduce(loss)
        if device.type == "cpu":
            found["overlap"] = overlap(step, inputs, repeats)
        dist.destroy_process_group()
    found["loss"] = loss.item() / ranks
    torch.save(found, Path(folder, f"{ranks}-{rank}.pt"))


def inputs_of(
    components: Components, rank: int, ranks: int, device: torch.device
) -> tuple[Tensor, Tensor, Rows]:
    """A rank's views and rows of the first step, augmented with all others' to be the same for any ranks."""
    draws = components.plan.counts.draws
    batch: Batch = components.batches.__getitems__([(0, draw) for draw in range(draws)])
    seed_device(0, 0, 0, 0)
    view_a, view_b, _ = augmented(components.view, batch)
    own = slice(rank * draws // ranks, (rank + 1) * draws // ranks)
    part = batch.changed(lambda tensor: tensor[own])
    rows = rows_of(part, components.maskers.describe(part)).changed(lambda tensor: tensor.to(device))
    return view_a[own].to(device), view_b[own].to(device), rows


def milliseconds(step: nn.Module, inputs: tuple[Tensor, Tensor, Rows], way: str) -> float:
    """A forward and a backward pass on the wall, begun by all ranks at once."""
    several = dist.is_initialized()
    step.zero_grad()
    if several:
        dist.barrier()
    start = _now()
    with step.no_sync() if several and way != "ddp" else nullcontext():  # type: ignore[operator]
        step(*inputs).backward()
    if way == "after":
        gradients = [
            parameter.grad.flatten() for parameter in step.parameters() if parameter.grad is not None
        ]
        dist.all_reduce(torch.cat(gradients))
    return 1000 * (_now() - start)


def overlap(step: DistributedDataParallel, inputs: tuple[Tensor, Tensor, Rows], repeats: int) -> float:
    """The share of the exchange that had passed when the last gradients were known, by time."""
    spans: list[list[float]] = []

    def exchange(_, bucket):  # type: ignore[no-untyped-def]  # DDP looks at annotations, and takes no strings
        span = [time.perf_counter()]
        spans.append(span)

        def done(future: torch.futures.Future[list[Tensor]]) -> Tensor:
            span.append(time.perf_counter())
            return future.value()[0].div_(RANKS)

        work: Any = dist.all_reduce(bucket.buffer(), async_op=True)
        return work.get_future().then(done)

    step.register_comm_hook(None, exchange)
    shares = []
    for _ in range(1 + repeats):
        spans.clear()
        milliseconds(step, inputs, "ddp")
        known = max(start for start, _ in spans)
        shares.append(
            sum(min(end, known) - start for start, end in spans) / sum(end - start for start, end in spans)
        )
    return median(shares[1:])


def _now() -> float:
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


def results(ranks: int, settings: list[str], repeats: int) -> list[dict[str, Any]]:
    """What each of so many ranks found."""
    with TemporaryDirectory() as folder:
        torch.multiprocessing.spawn(on_rank, (ranks, settings, repeats, folder), nprocs=ranks)
        return [torch.load(Path(folder, f"{ranks}-{rank}.pt")) for rank in range(ranks)]


def main() -> None:
    """Runs one rank, then two; the slower of two counts."""
    options = parser(__doc__)
    options.set_defaults(repeats=15)
    options.add_argument("--set", action="append", default=[], help="a recipe's option, as for `train`")
    arguments = options.parse_args()
    if torch.cuda.device_count() == 1:
        sys.exit("two ranks need two GPUs, or none: CUDA_VISIBLE_DEVICES= hides the one that is there")
    settings = [*SETTINGS, *arguments.set]
    one = results(1, settings, arguments.repeats)[0]
    two = results(RANKS, settings, arguments.repeats)
    ms = {way: max(rank["ms"][way] for rank in two) for way in WAYS}
    rows = [
        Row(
            "loss, two ranks beside one", two[0]["loss"], one["loss"], "", at_least=1 - 1e-5, at_most=1 + 1e-5
        ),
        Row("a step, two ranks beside one", ms["ddp"], one["ms"]["alone"], "ms"),
        Row("a step, DDP beside no communication", ms["ddp"], ms["alone"], "ms"),
        Row("a step, communication afterwards beside none", ms["after"], ms["alone"], "ms"),
        Row(
            "what DDP adds beside all afterwards",
            ms["ddp"] - ms["alone"],
            ms["after"] - ms["alone"],
            "ms",
            at_most=1 if torch.cuda.is_available() else None,
        ),
    ]
    if not torch.cuda.is_available():
        share = min(rank["overlap"] for rank in two)
        rows.append(
            Row(
                "time of the exchange that had passed when the last gradients were known",
                share,
                1,
                "",
                at_least=0.5,
            )
        )
    title = "Two ranks beside one, the same batch"
    report(title, rows, arguments.out, settings=settings, one=one, two=two)


if __name__ == "__main__":
    main()
