"""The loss with a mask, with and without attraction, compared with lightly's NTXentLoss: time and peak memory.

Both use the same embeddings, in batch and with a queue, forward and backward. Each variant runs in its own
process. Memory is what a call needs in addition to its inputs: on a GPU by torch's allocator, on a CPU the
growth of the process's peak. On a CPU, the time is that of one thread, so other work on the machine has
little effect.

    python benchmarks/masked_loss.py --out masked_loss.json
"""

from __future__ import annotations

from itertools import product
from statistics import median
from typing import Any

import lightly.loss
import torch
from side_by_side import Row, clock, in_a_fresh_process, parser, peak_bytes, report

from ssltoolbox.losses import NTXentLoss

VARIANTS = ("lightly", "mask", "mask and attraction")
MASKED_PER_ROW = 1
"""MaskFN takes the likeliest false negative of a row."""


def main() -> None:
    """Prints a table of ratios, and writes the numbers."""
    options = parser(__doc__)
    options.add_argument("--instances", type=int, default=4096)
    options.add_argument("--dim", type=int, default=128)
    options.add_argument("--queue", type=int, default=65_536)
    options.add_argument("--queue-instances", type=int, default=256)
    arguments = options.parse_args()
    settings = {
        "batch": (arguments.instances, arguments.dim, 0, arguments.repeats, arguments.threads),
        "queue": (
            arguments.queue_instances,
            arguments.dim,
            arguments.queue,
            arguments.repeats,
            arguments.threads,
        ),
    }
    found = {
        (place, variant): in_a_fresh_process(measure, variant, *settings[place])
        for place, variant in product(settings, VARIANTS)
    }
    rows = []
    for (place, variant), numbers in found.items():
        base = found[place, "lightly"]
        if variant != "lightly":
            rows += [
                Row(f"{place}, {variant}: time", numbers["ms"], base["ms"], "ms", at_most=1.1),
                Row(f"{place}, {variant}: memory", numbers["MiB"], base["MiB"], "MiB", at_most=2),
            ]
    report("The loss with a mask beside lightly's", rows, arguments.out, settings=settings)


def measure(
    variant: str, instances: int, dim: int, queue: int, repeats: int, threads: int
) -> dict[str, float]:
    """The median milliseconds of a forward and backward pass, and the mebibytes of the first one's peak."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.set_num_threads(threads)
    now = clock(threads)
    torch.manual_seed(0)
    size = (queue, dim) if queue else 0
    loss = (lightly.loss.NTXentLoss if variant == "lightly" else NTXentLoss)(0.1, size).to(device)
    out0, out1 = (torch.randn(instances, dim, device=device, requires_grad=True) for _ in range(2))
    extra: dict[str, Any] = {}
    if variant != "lightly":
        rows, columns = (instances, queue) if queue else (2 * instances, 2 * instances)
        masked = torch.zeros(rows, columns, dtype=torch.bool, device=device)
        masked.scatter_(1, torch.randint(columns, (rows, MASKED_PER_ROW), device=device), True)
        extra = {"masked": masked, "attract": 0.8 if "attraction" in variant else 0.0}
    _ = torch.randn(64, 64, device=device, requires_grad=True).square().sum().backward()
    peak_bytes()  # forgets what making the inputs took
    before = peak_bytes()
    peak, seconds = 0, []
    for repeat in range(1 + repeats):
        start = now()
        loss(out0, out1, **extra).backward()
        if repeat:
            seconds.append(now() - start)
        else:
            peak = peak_bytes() - before
    return {"ms": 1000 * median(seconds), "MiB": peak / 2**20}


if __name__ == "__main__":
    main()
