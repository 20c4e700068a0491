"""The stages between the loader and the method: seed, describe, render, augment, build the rows."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

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
    SharedView,
    Side,
    SslToolboxError,
    StepInput,
    StepInputs,
    View,
)
from ssltoolbox.api.tensors import TensorFields
from ssltoolbox.data.drawing.sampler import Position
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.core.shares import (
    augment_share,
    gathered,
    is_shared,
    own_draws,
    part_of,
    renders,
    rows_of_share,
)
from ssltoolbox.support.words import described

_DESCRIBING = 2
"""Purpose of a seed: the random numbers of `describe`, which sees the frames of one process."""


@dataclass(frozen=True, eq=False)
class Drawn(TensorFields):
    """A process's share of a micro-batch as loaded, and its position in the run."""

    position: Position
    batch: Batch


@dataclass(frozen=True, eq=False)
class Prepared(TensorFields):
    """A micro-batch as the method takes it.

    Attributes:
        position: in the run.
        batch: as loaded.
        counts: counts of the loader and of the generators.
        inputs: the inputs of the method.
    """

    position: Position
    batch: Batch
    counts: Mapping[str, int]
    inputs: StepInputs


MicroBatch = Drawn | Prepared
"""An item of the loader: as loaded, or prepared by a worker."""


class Stages:
    """Describes, renders and augments. The result depends only on the seed and the position in the run.

    Args:
        view: augments the two sides.
        generators: render the positives, in the recipe's order.
        maskers: describe the frames.
        hard_weights: [K] the weight of each hard negative of a draw in the loss; empty if all are 1.
        seed: the recipe's.
        inputs: the inputs that the method uses besides side A and the rows.
        crops: local crops of each instance.
    """

    def __init__(
        self,
        view: View,
        generators: Sequence[PositiveGenerator[Options]],
        maskers: MaskerUnion,
        hard_weights: Sequence[float],
        seed: int,
        inputs: Collection[StepInput] = frozenset[StepInput](("view_b",)),
        crops: int = 0,
    ) -> None:
        self.view = view
        self.generators = tuple(generators)
        self.maskers = maskers
        self.hard_weights = tuple(hard_weights)
        self.seed = seed
        self.inputs = frozenset(inputs)
        self.crops = crops if "crops" in self.inputs else 0

    def __call__(
        self, drawn: Drawn, timed: Callable[[str], AbstractContextManager[object]] = nullcontext
    ) -> Prepared:
        """
        Args:
            drawn: on the device that computes.
            timed: a context manager for each stage, by its name.
        """
        position, batch = drawn.position, drawn.batch
        seed_device(self.seed, position.step, position.micro_batch, position.rank, _DESCRIBING)
        # Images and descriptors are computed in full precision.
        with torch.autocast(batch.frames.device.type, enabled=False):
            with timed("describe"):
                rows = rows_of(batch, self.maskers.describe(batch), self.hard_weights)
            # All ranks use the random numbers of rank 0.
            seed_device(self.seed, position.step, position.micro_batch, rank=0)
            if position.ranks > 1 and self.needs_all_draws:
                rendered, views = self._share_of_all(batch, position, timed)
            else:
                with timed("render"):
                    rendered = render(self.generators, batch)[-1]
                with timed("views"):
                    views = augmented(self.view, rendered, self.crops, position)
        shown = rendered if "batch" in self.inputs else None
        inputs = StepInputs(views.view_a, views.view_b, rows, position.step, views.crops, shown)
        return Prepared(position, batch, {**batch.counts, **rendered.counts}, inputs)

    @property
    def needs_all_draws(self) -> bool:
        """True if processes that share a micro-batch must exchange their draws to prepare it."""
        return not is_shared(self.view) or any(map(renders, self.generators))

    def _share_of_all(
        self, batch: Batch, position: Position, timed: Callable[[str], AbstractContextManager[object]]
    ) -> tuple[Batch, Views]:
        """This process's draws as rendered, and their views, computed with all draws of the micro-batch."""
        draws, own = len(batch), own_draws(position, len(batch))
        with timed("render"):
            # A view that gets all draws needs all of them rendered.
            everything = replace(gathered(batch), own=own if is_shared(self.view) else slice(None))
            rendered_all = render(self.generators, everything)[-1]
            rendered = part_of(rendered_all, own)
        with timed("views"):
            if is_shared(self.view):
                views = augmented(self.view, rendered, self.crops, position)
            else:
                of_all = augmented(self.view, rendered_all, self.crops)
                views = of_all.changed(lambda images: rows_of_share(images, position, draws))
        # Every process has counted all draws.
        return (rendered if position.rank == 0 else replace(rendered, counts=batch.counts)), views


def seed_device(seed: int, step: int, micro_batch: int, rank: int, *purpose: int) -> None:
    """Seeds torch's global generator with the seed and the position in the run.

    `purpose` separates uses of random numbers at the same position.
    """
    state = np.random.SeedSequence((seed, step, micro_batch, rank, *purpose)).generate_state(1, np.uint64)
    torch.manual_seed(int(state[0]))


@torch.no_grad()
def render(generators: Sequence[PositiveGenerator[Options]], batch: Batch) -> list[Batch]:
    """The batch as drawn, then after each generator.

    Raises:
        SslToolboxError: when a generator gives something else than a batch of as many images of this size.
    """
    stages = [batch]
    for generator in generators:
        rendered = generator.render(stages[-1])
        frames = rendered.frames if isinstance(rendered, Batch) else rendered
        if not isinstance(frames, Tensor) or (frames.shape, frames.dtype) != (
            batch.frames.shape,
            torch.uint8,
        ):
            name = type(getattr(generator, "generator", generator)).__name__
            raise SslToolboxError(
                f"{name}.render gave {described(frames)}, not a batch with frames "
                f"{torch.uint8} {list(batch.frames.shape)}"
            )
        stages.append(rendered)
    return stages


class Views(NamedTuple):
    """The augmented images, role-major, with channels last in memory.

    Attributes:
        view_a: [M, 3, size, size] side A.
        view_b: the same of side B; None for a batch without.
        crops: local crops, [M, 3, c, c] each, of side A and side B in turn.
    """

    view_a: Tensor
    view_b: Tensor | None
    crops: tuple[Tensor, ...]

    def changed(self, change: Callable[[Tensor], Tensor]) -> Views:
        """Applies a function to all tensors."""
        view_b = None if self.view_b is None else change(self.view_b)
        return Views(change(self.view_a), view_b, tuple(map(change, self.crops)))


@torch.no_grad()
def augmented(view: View, batch: Batch, crops: int = 0, position: Position | None = None) -> Views:
    """The views of a batch.

    Args:
        view: augments.
        batch: N draws, as rendered.
        crops: local crops of each instance.
        position: position of the share that these draws are; None if they are a whole micro-batch.
    """
    instances = 1 + batch.hard_negatives
    sides = (batch.sources, batch.positives)[: batch.sides]
    images = [role_major(side) for side in sides]
    points = [role_major(side) for side in batch.landmarks.split(instances, dim=1)]

    def made(side: int, part: Side | int) -> Tensor:
        if position and position.ranks > 1:
            assert isinstance(view, SharedView)
            return augment_share(view, images[side], points[side], part, position, len(batch))
        if isinstance(part, str):
            return view.augment(images[side], points[side], part)
        assert isinstance(view, CroppingView)
        return view.crop(images[side], points[side], part)

    if batch.sides == 2 and isinstance(view, PairedView):
        views = list(view.augment_pair(images[0], points[0], images[1], points[1]))
    else:
        names: tuple[Side, Side] = ("a", "b")
        views = [made(side, name) for side, name in enumerate(names[: batch.sides])]
    cropped = [made(number % batch.sides, number) for number in range(crops)]
    for made_views in (*views, *cropped):
        _check_view(view, made_views, len(images[0]))
    view_a, *view_b = map(_channels_last, views)
    return Views(view_a, view_b[0] if view_b else None, tuple(map(_channels_last, cropped)))


def _check_view(view: View, images: Any, count: int) -> None:
    """
    Raises:
        SslToolboxError: for anything but images [M, 3, size, size] of floating point numbers.
    """
    right_type = isinstance(images, Tensor) and images.is_floating_point() and images.ndim == 4
    if not right_type or images.shape[:2] != (count, 3):
        raise SslToolboxError(
            f"{type(view).__name__} gave {described(images)} as a view, "
            f"not {torch.float32} [{count}, 3, size, size]"
        )


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
        side=torch.arange(batch.sides, device=batch.draw.device).repeat_interleave(
            len(batch) * roles // batch.sides
        ),
    )
