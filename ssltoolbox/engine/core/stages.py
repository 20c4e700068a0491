"""The stages between the loader and the method: seed, describe, render, view, and who is who."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Batch, Options, PositiveGenerator, Rows, View
from ssltoolbox.api.tensors import TensorFields
from ssltoolbox.data.drawing.sampler import Place
from ssltoolbox.engine.core.maskers import MaskerUnion


@dataclass(frozen=True, eq=False)
class Drawn(TensorFields):
    """A micro-batch as loaded, and its place in the run."""

    place: Place
    batch: Batch


@dataclass(frozen=True, eq=False)
class Prepared(TensorFields):
    """A micro-batch as the method takes it.

    Attributes:
        place: in the run.
        batch: as loaded.
        counts: what happened on the way to here, the generators' counts among it.
        rows: [2M] who is who.
        view_a, view_b: [M, 3, size, size] the two sides.
    """

    place: Place
    batch: Batch
    counts: Mapping[str, int]
    rows: Rows
    view_a: Tensor
    view_b: Tensor


MicroBatch = Drawn | Prepared
"""What the loader gives: as loaded, or prepared by a worker."""


class Stages:
    """Describes, renders and augments; the outcome depends on the seed and the place in the run alone.

    Args:
        view: augments the two sides.
        generators: render the positives, in the recipe's order.
        maskers: describe the frames.
        hard_weights: as how many each of a draw's hard negatives counts; nothing if all count as one.
        seed: the recipe's.
    """

    def __init__(
        self,
        view: View,
        generators: Sequence[PositiveGenerator[Options]],
        maskers: MaskerUnion,
        hard_weights: Sequence[float],
        seed: int,
    ) -> None:
        self.view = view
        self.generators = tuple(generators)
        self.maskers = maskers
        self.hard_weights = tuple(hard_weights)
        self.seed = seed

    def __call__(
        self, drawn: Drawn, timed: Callable[[str], AbstractContextManager[object]] = nullcontext
    ) -> Prepared:
        """
        Args:
            drawn: on the device that does the work.
            timed: what each stage is done within, by its name.
        """
        seed_device(self.seed, *drawn.place)
        batch = drawn.batch
        # Of images, and of what is read off them, reduced precision would cost more than it saves.
        with torch.autocast(batch.frames.device.type, enabled=False):
            with timed("describe"):
                rows = rows_of(batch, self.maskers.describe(batch), self.hard_weights)
            with timed("render"):
                rendered = render(self.generators, batch)[-1]
            with timed("views"):
                view_a, view_b = two_views(self.view, rendered)
        counts = {**batch.counts, **rendered.counts}
        return Prepared(drawn.place, batch, counts, rows, view_a, view_b)


def seed_device(seed: int, step: int, micro_batch: int, rank: int, *purpose: int) -> None:
    """Seeds torch's global generator, so that what follows depends on nothing but the place in the run.

    `purpose` keeps what needs random numbers at the same place apart.
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
def two_views(view: View, batch: Batch) -> tuple[Tensor, Tensor]:
    """[M, 3, size, size] twice, role-major: the sides that the method compares, channels last in memory."""
    instances = 1 + batch.hard_negatives
    images_a, images_b = role_major(batch.sources), role_major(batch.positives)
    points_a, points_b = (role_major(part) for part in batch.landmarks.split(instances, dim=1))
    view_a = view.augment(images_a, points_a, "a").contiguous(memory_format=torch.channels_last)
    view_b = view.augment(images_b, points_b, "b").contiguous(memory_format=torch.channels_last)
    return view_a, view_b


def role_major(tensor: Tensor) -> Tensor:
    """[N, roles, …] → [roles·N, …]: all draws' first role, then all draws' second, …"""
    return tensor.transpose(0, 1).flatten(0, 1)


def rows_of(batch: Batch, descriptors: Mapping[str, Tensor], hard_weights: Sequence[float] = ()) -> Rows:
    """The 2M rows of a batch: side A role-major, then side B role-major.

    Args:
        batch: N draws of R frames.
        descriptors: key of a masker → [N, R, F], as drawn.
        hard_weights: K, as how many the hard negatives count in their draw; nothing if all count as one.
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
