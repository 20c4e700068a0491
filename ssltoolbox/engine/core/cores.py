"""Who computes where: the cores of a machine, shared by the loader's workers and by torch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ssltoolbox.api import DataFacts
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.devices import best_device
from ssltoolbox.engine.core.stages import Drawn
from ssltoolbox.models import forward_flops
from ssltoolbox.plan import Plan
from ssltoolbox.support.workers import cores

MOST_AUTO_WORKERS = 8

_BOTH_WAYS = 3
"""What an image costs a network that is trained, in forward passes: a backward pass takes about as long as two."""
_FLOPS = 50e9
"""Floating-point operations of a core in a second: 52 for a small network, 104 for a ResNet-18, times 1e9."""
_PREPARING = 60e-9
"""Seconds of a core to prepare a pixel for the method: 35 by views alone, 100 by four strategies, times 1e-9."""


def worker_count(
    plan: Plan, backbone: nn.Module, trained: Components | None = None, processes: int = 1
) -> int:
    """Loader workers of each process, as the recipe's `trainer.workers` says.

    With a GPU, `auto` means one worker for each core but one: at least one, at most eight. Without a GPU, workers
    and network share the cores. Workers load images, and prepare them where a network is trained. `auto` is then
    the number with the shortest time per image, by known costs, not by a clock, so that runs can be repeated.

    Args:
        plan: has the recipe's `trainer.workers`, the image size, and what an image costs to load.
        backbone: the network.
        trained: the run's components where the network is trained; None where it is only evaluated.
        processes: how many share the machine.
    """
    wanted = plan.recipe.trainer.workers
    if wanted != "auto":
        return wanted
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
    """Floating-point operations of an image before the method has it, those of products and convolutions.

    They are few but where a masker has a network of its own. Found by preparing one draw.
    """
    drawn = Drawn(Position(step=0), components.batches.__getitems__([(0, 0)]))
    with FlopCounterMode(display=False) as counter:
        prepared = components.stages(drawn)
    return float(counter.get_total_flops() / (2 * len(prepared.inputs.view_a)))


def _quickest(cores: int, loading: float, preparing: float, network: float) -> int:
    """Workers, of which each takes a core from torch; with none, the network waits while images are loaded, and
    torch prepares them on all cores.

    Args:
        cores: to be shared.
        loading, preparing, network: seconds of a core for an image.
    """

    def seconds(workers: int) -> float:
        if not workers:
            return loading + (preparing + network) / cores
        return max((loading + preparing) / workers, network / (cores - workers))

    return min(range(min(MOST_AUTO_WORKERS, cores - 1) + 1), key=seconds)


@contextmanager
def shared_with(workers: int, processes: int = 1) -> Iterator[None]:
    """Leaves the workers' cores to them while a model computes on the CPU.

    Torch's threads wait by spinning: with more of them than free cores a step may take forty times as long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, min(before, cores() // processes - workers)))
    try:
        yield
    finally:
        torch.set_num_threads(before)
