"""The stages between the loader and the method: seed, render, view, and who is who."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from ssltoolbox.api import Batch, Options, PositiveGenerator, Rows, View


def seed_device(seed: int, step: int, micro_batch: int, rank: int) -> None:
    """Seeds torch's global generator, so that what follows depends on nothing but the place in the run."""
    state = np.random.SeedSequence((seed, step, micro_batch, rank)).generate_state(1, np.uint64)
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


def rows_of(batch: Batch, descriptors: Tensor, hard_weights: Sequence[float] = ()) -> Rows:
    """The 2M rows of a batch: side A role-major, then side B role-major.

    Args:
        batch: N draws of R frames.
        descriptors: [N, R, F], as drawn.
        hard_weights: K, as how many the hard negatives count in their draw; nothing if all count as one.
    """
    roles = batch.frames.shape[1]
    weight = None
    if hard_weights:
        weight = torch.tensor([1.0, *hard_weights], device=batch.draw.device).repeat(2)
        weight = weight.repeat_interleave(len(batch))
    return Rows(
        draw=batch.draw.repeat(roles),
        clip=batch.clip.repeat(roles),
        identity=batch.identity.repeat(roles),
        time=role_major(batch.time),
        descriptor=role_major(descriptors),
        labels={name: role_major(values) for name, values in batch.labels.items()},
        weight=weight,
    )
