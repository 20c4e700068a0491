"""The stages between the loader and the method: seed, describe, render, view, and who is who."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import (
    Batch,
    CroppingView,
    Options,
    PairedView,
    PositiveGenerator,
    Rows,
    Side,
    StepInput,
    StepInputs,
    View,
)
from ssltoolbox.api.tensors import TensorFields
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.maskers import MaskerUnion


@dataclass(frozen=True, eq=False)
class Drawn(TensorFields):
    """A micro-batch as loaded, and its position in the run."""

    position: Position
    batch: Batch


@dataclass(frozen=True, eq=False)
class Prepared(TensorFields):
    """A micro-batch as the method takes it.

    Attributes:
        position: in the run.
        batch: as loaded.
        counts: what happened on the way to here, the generators' counts among it.
        inputs: what the method looks at.
    """

    position: Position
    batch: Batch
    counts: Mapping[str, int]
    inputs: StepInputs


MicroBatch = Drawn | Prepared
"""What the loader gives: as loaded, or prepared by a worker."""


class Stages:
    """Describes, renders and augments; the outcome depends on the seed and the position in the run alone.

    Args:
        view: augments the two sides.
        generators: render the positives, in the recipe's order.
        maskers: describe the frames.
        hard_weights: [K] the weight of each hard negative of a draw in the loss; empty if all are 1.
        seed: the recipe's.
        asked: what the method looks at besides side A and the rows.
        crops: local crops of each instance.
    """

    def __init__(
        self,
        view: View,
        generators: Sequence[PositiveGenerator[Options]],
        maskers: MaskerUnion,
        hard_weights: Sequence[float],
        seed: int,
        asked: Collection[StepInput] = frozenset[StepInput](("view_b",)),
        crops: int = 0,
    ) -> None:
        self.view = view
        self.generators = tuple(generators)
        self.maskers = maskers
        self.hard_weights = tuple(hard_weights)
        self.seed = seed
        self.asked = frozenset(asked)
        self.crops = crops if "crops" in self.asked else 0

    def __call__(
        self, drawn: Drawn, timed: Callable[[str], AbstractContextManager[object]] = nullcontext
    ) -> Prepared:
        """
        Args:
            drawn: on the device that does the work.
            timed: what each stage is done within, by its name.
        """
        seed_device(self.seed, *drawn.position)
        batch = drawn.batch
        # Of images, and of what is read off them, reduced precision would cost more than it saves.
        with torch.autocast(batch.frames.device.type, enabled=False):
            with timed("describe"):
                rows = rows_of(batch, self.maskers.describe(batch), self.hard_weights)
            with timed("render"):
                rendered = render(self.generators, batch)[-1]
            with timed("views"):
                view_a, view_b, crops = augmented(self.view, rendered, self.crops)
        counts = {**batch.counts, **rendered.counts}
        shown = rendered if "batch" in self.asked else None
        inputs = StepInputs(view_a, view_b, rows, drawn.position.step, crops, shown)
        return Prepared(drawn.position, batch, counts, inputs)


def seed_device(seed: int, step: int, micro_batch: int, rank: int, *purpose: int) -> None:
    """Seeds torch's global generator, so that what follows depends on nothing but the position in the run.

    `purpose` keeps what needs random numbers at the same position apart.
    """
    state = np.random.SeedSequence((seed, step, micro_batch, rank, *purpose)).generate_state(1, np.uint64)
    torch.manual_seed(int(state[0]))


@torch.no_grad()
def render(generators: Sequence[PositiveGenerator[Options]], batch: Batch) -> list[Batch]:
    """The batch as drawn, then as each generator left it."""
    stages = [batch]
    for generator in generators:
        stages.append(generator.render(stages[-1]))
    return stages


@torch.no_grad()
def augmented(view: View, batch: Batch, crops: int = 0) -> tuple[Tensor, Tensor | None, tuple[Tensor, ...]]:
    """What the method looks at, role-major, channels last in memory.

    Returns:
        [M, 3, size, size] side A; the same of side B, None for a batch without; local crops, [M, 3, c, c] each,
        of side A and side B in turn.
    """
    instances = 1 + batch.hard_negatives
    sides = (batch.sources, batch.positives)[: batch.sides]
    images = [role_major(side) for side in sides]
    points = [role_major(side) for side in batch.landmarks.split(instances, dim=1)]
    if batch.sides == 2 and isinstance(view, PairedView):
        views = list(view.augment_pair(images[0], points[0], images[1], points[1]))
    else:
        names: tuple[Side, Side] = ("a", "b")
        views = [view.augment(*each) for each in zip(images, points, names[: batch.sides], strict=True)]
    cropped = []
    for number in range(crops):
        assert isinstance(view, CroppingView)
        side = number % batch.sides
        cropped.append(_channels_last(view.crop(images[side], points[side], number)))
    view_a, *view_b = map(_channels_last, views)
    return view_a, view_b[0] if view_b else None, tuple(cropped)


def _channels_last(images: Tensor) -> Tensor:
    return images.contiguous(memory_format=torch.channels_last)


def role_major(tensor: Tensor) -> Tensor:
    """[N, roles, …] → [roles·N, …]: all draws' first role, then all draws' second, …"""
    return tensor.transpose(0, 1).flatten(0, 1)


def rows_of(batch: Batch, descriptors: Mapping[str, Tensor], hard_weights: Sequence[float] = ()) -> Rows:
    """The 2M rows of a batch: side A role-major, then side B role-major.

    Args:
        batch: N draws of R frames.
        descriptors: key of a masker → [N, R, F], as drawn.
        hard_weights: [K] the weight of each hard negative of a draw in the loss; empty if all are 1.
    """
    roles = batch.frames.shape[1]
    weight = None
    if hard_weights:
        weight = torch.tensor([1.0, *hard_weights], device=batch.draw.device).repeat(batch.sides)
        weight = weight.repeat_interleave(len(batch))
    return Rows(
        draw=batch.draw.repeat(roles),
        clip=role_major(batch.clip),
        identity=role_major(batch.identity),
        time=role_major(batch.time),
        labels={name: role_major(values) for name, values in batch.labels.items()},
        weight=weight,
        descriptors={key: role_major(values) for key, values in descriptors.items()},
    )
