"""Shares the cores of a machine between the loader's workers and torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ssltoolbox.api import DataFacts
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.stages import Drawn
from ssltoolbox.models import forward_flops
from ssltoolbox.models.devices import best_device
from ssltoolbox.plan import Plan
from ssltoolbox.support.workers import cores

MOST_AUTO_WORKERS = 8

_BOTH_WAYS = 3
"""Cost of an image in training, in forward passes: a backward pass costs about two."""
_FLOPS = 50e9
"""Floating-point operations of a core per second. benchmarks/RESULTS.md has what was measured."""
_PREPARING = 60e-9
"""Seconds of a core to prepare a pixel for the method. benchmarks/RESULTS.md has what was measured."""


def worker_count(
    plan: Plan, backbone: nn.Module, trained: Components | None = None, processes: int = 1
) -> int:
    """Loader workers of each process, as the recipe's `trainer.workers` says.

    With a GPU, `auto` means one worker for each core but one: at least one, at most eight. Without a GPU, the
    workers and the network share the cores. Workers load images; if a network is trained, they also prepare the
    images. `auto` then takes the number with the lowest estimated time per image. The estimate uses the constants
    above and no clock, so that runs can be repeated.

    Args:
        plan: has the recipe's `trainer.workers`, the image size, and what an image costs to load.
        backbone: the network.
        trained: the run's components if the network is trained; None if it is only evaluated.
        processes: the number of processes that share the machine.
    """
    workers = plan.recipe.trainer.workers
    if workers != "auto":
        return workers
    free = max(1, cores() // processes)
    if best_device().type == "cuda":
        return max(1, min(MOST_AUTO_WORKERS, free - 1))
    loading = plan.facts.loading if plan.facts else DataFacts.loading
    network = forward_flops(backbone, plan.image_size) / _FLOPS
    if trained is None:
        return _quickest(free, loading, 0.0, network)
    preparing = _PREPARING * plan.image_size**2 + preparing_flops(trained) / _FLOPS
    return _quickest(free, loading, preparing, _BOTH_WAYS * network)


def preparing_flops(components: Components) -> float:
    """Floating-point operations that prepare one image for the method, counting products and convolutions.

    The number is small unless a masker has a network of its own. It is found by preparing one draw.
    """
    drawn = Drawn(Position(step=0), components.batches.__getitems__([(0, 0)]))
    with FlopCounterMode(display=False) as counter:
        prepared = components.stages(drawn)
    return float(counter.get_total_flops() / (2 * len(prepared.inputs.view_a)))


def _quickest(cores: int, loading: float, preparing: float, network: float) -> int:
    """The number of workers with the lowest time per image.

    Each worker takes a core from torch. Without workers the network waits while images are loaded, and torch
    prepares them on all cores.

    Args:
        cores: the cores to share.
        loading, preparing, network: seconds of a core for an image.
    """

    def seconds(workers: int) -> float:
        if not workers:
            return loading + (preparing + network) / cores
        return max((loading + preparing) / workers, network / (cores - workers))

    return min(range(min(MOST_AUTO_WORKERS, cores - 1) + 1), key=seconds)


@contextmanager
def shared_with(workers: int, processes: int = 1) -> Iterator[None]:
    """Limits torch's threads to the cores that the workers leave free, while a model computes on the CPU.

    Torch's threads wait by spinning, so more threads than free cores slow a step down a lot.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, cores() // processes - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
