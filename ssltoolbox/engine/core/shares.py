"""Prepares one process's share of a micro-batch with the same result as a single process would give.

A single process draws the random numbers of all draws of a micro-batch at once. Each of several processes draws
the same numbers and applies its own share. If a component looks at other draws, as for the donor of a face, the
draws of all processes are gathered first.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from lightly.models.utils import concat_all_gather
from torch import Tensor, distributed

from ssltoolbox.api import Batch, Options, PairedView, PositiveGenerator, SharedView, Side, View
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.api1 import OlderGenerator


def renders(generator: PositiveGenerator[Options] | OlderGenerator) -> bool:
    """True for a generator that changes pixels: it may look at any draw of the batch."""
    inner = generator.generator if isinstance(generator, OlderGenerator) else generator
    return type(inner).render is not PositiveGenerator.render


def is_shared(view: View) -> bool:
    """True if the view can augment a share of the images; other views need all images."""
    return isinstance(view, SharedView) and not isinstance(view, PairedView)


def own_draws(position: Position, draws: int) -> slice:
    """The draws of this process among all draws of the micro-batch.

    >>> own_draws(Position(step=0, rank=1, ranks=4), draws=2)
    slice(2, 4, None)
    """
    return slice(position.rank * draws, (position.rank + 1) * draws)


@torch.no_grad()
def gathered(batch: Batch) -> Batch:
    """The draws of all processes in the order of a single process; counts and notes are this process's."""
    names: list[list[str]] = [[] for _ in range(distributed.get_world_size())]
    distributed.all_gather_object(names, sorted(batch.found))
    # A share lacks what none of its picks has found.
    nothing = torch.full(batch.clip.shape, torch.nan, device=batch.clip.device)
    found = {name: batch.found.get(name, nothing) for name in sorted({name for own in names for name in own})}
    return replace(batch, found=found).changed(lambda values: concat_all_gather(values.contiguous()))


def part_of(batch: Batch, own: slice) -> Batch:
    """These draws of a batch, its counts and notes."""
    return replace(batch.changed(lambda values: values[own]), own=slice(None))


def rows_of_share(values: Tensor, position: Position, draws: int) -> Tensor:
    """[roles·N·ranks, …] → [roles·N, …]: the rows of a process's own draws, of role-major rows of all draws.

    Args:
        values: a row for each role of each draw of the micro-batch.
        position: tells which draws are its own.
        draws: N, how many they are.
    """
    by_role = values.unflatten(0, (-1, position.ranks * draws))
    return by_role[:, own_draws(position, draws)].flatten(0, 1)


def augment_share(
    view: SharedView, images: Tensor, landmarks: Tensor, part: Side | int, position: Position, draws: int
) -> Tensor:
    """Augments a process's own images with the random numbers that a single process would draw for them.

    Args:
        view: augments.
        images: [roles·N, 3, S, S] role-major.
        landmarks: [roles·N, 68, 2].
        part: a side, or the number of a local crop.
        position: of the share.
        draws: N.
    """
    of_all = view.random_parameters(position.ranks * len(images), part, images.device)
    own = tuple(rows_of_share(values, position, draws) for values in of_all)
    return view.augment_with(images, landmarks, part, own)
