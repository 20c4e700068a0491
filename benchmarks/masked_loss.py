"""Our loss with a mask, with and without attraction, against lightly's NTXentLoss: time and peak memory.

Both see the same embeddings, in batch and with a queue, forward and backward, each variant in a process of its
own. Memory is what a call needs beyond its inputs: on a GPU by torch's allocator, on a CPU the growth of the
process's peak. Seconds on a CPU are of one thread's work, so that a busy machine doesn't count.

    python benchmarks/masked_loss.py --json masked_loss.json
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any

import lightly.loss
import torch

from ssltoolbox.losses import NTXentLoss

VARIANTS = ("lightly", "mask", "mask and attraction")
MASKED_PER_ROW = 1
"""MaskFN takes the likeliest false negative of a row."""


def main() -> None:
    """Prints a table of ratios, and writes the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=4096)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--queue", type=int, default=65_536)
    parser.add_argument("--queue-instances", type=int, default=256)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    settings = {
        "batch": (arguments.instances, arguments.dim, 0, arguments.repeats),
        "queue": (arguments.queue_instances, arguments.dim, arguments.queue, arguments.repeats),
    }
    results: dict[str, dict[str, Any]] = {"batch": {}, "queue": {}}
    for place, variant in product(settings, VARIANTS):
        results[place][variant] = _in_a_fresh_process(variant, *settings[place])
    for place, of_variants in results.items():
        base = of_variants["lightly"]
        for variant, numbers in of_variants.items():
            print(
                f"{place:6} {variant:20} {1000 * numbers['seconds']:8.1f} ms "
                f"({numbers['seconds'] / base['seconds']:.2f} ×) {numbers['bytes'] / 2**20:8.0f} MiB "
                f"({numbers['bytes'] / base['bytes']:.2f} ×)"
            )
    if arguments.json:
        facts = {"device": _device_name(), "torch": torch.__version__}
        arguments.json.write_text(json.dumps(facts | {"settings": settings, "results": results}, indent=2))


def _in_a_fresh_process(*arguments: Any) -> dict[str, float]:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, *arguments).result()


def measure(variant: str, instances: int, dim: int, queue: int, repeats: int) -> dict[str, float]:
    """The median seconds of a forward and backward pass, and the bytes of the first one's peak."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    clock = time.perf_counter if device == "cuda" else time.process_time
    torch.set_num_threads(1)
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
    before = _peak_bytes(device)
    peak, seconds = 0, []
    for repeat in range(1 + repeats):
        start = clock()
        loss(out0, out1, **extra).backward()
        if device == "cuda":
            torch.cuda.synchronize()
        if repeat:
            seconds.append(clock() - start)
        else:
            peak = _peak_bytes(device) - before
    return {"seconds": statistics.median(seconds), "bytes": peak}


def _peak_bytes(device: str) -> int:
    if device == "cuda":
        torch.cuda.synchronize()
        peak = torch.cuda.max_memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        return peak
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


if __name__ == "__main__":
    main()
