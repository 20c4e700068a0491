"""The first micro-batch of a step at every stage before the backbone, as in a run on one device."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Batch, Masking, PositiveGenerator, Rows, UserError, View
from ssltoolbox.data.drawing.sampler import Sharing
from ssltoolbox.engine.core.components import Components
from ssltoolbox.engine.core.maskers import MaskerUnion
from ssltoolbox.engine.core.stages import augmented, render, role_major, rows_of, seed_device
from ssltoolbox.models.devices import best_device, to_device


@dataclass(frozen=True, eq=False)
class SeenBatch:
    """A batch of N draws with 1+K instances each; M = N(1+K) instances are role-major.

    Attributes:
        drawn: the batch from the loader.
        rendered: the batch after the positive generators.
        changed_by: for each of the M instances, the generators that changed the pixels of its positive.
        view_a, view_b: [M, 3, size, size] uint8 RGB, the augmented sides without normalisation.
        crops: [M, 3, c, c] uint8 RGB, the local crops.
        rows: the 2M rows.
        masking: answer of the maskers for the rows of side A; `masked` is [M, 2M]. None without maskers. Maskers
            that need embeddings are left out.
        similarity: [M, 2M] cosine of the descriptors; None unless there is exactly one masker.
    """

    drawn: Batch
    rendered: Batch
    changed_by: tuple[tuple[str, ...], ...]
    view_a: Tensor
    view_b: Tensor
    crops: tuple[Tensor, ...]
    rows: Rows
    masking: Masking | None
    similarity: Tensor | None


@torch.no_grad()
def seen_at(components: Components, step: int) -> SeenBatch:
    """The first micro-batch of step `step`, counted from 0; bit-identical to the run's on a CPU.

    Raises:
        UserError: when the recipe has no such step.
    """
    plan = components.plan
    if not plan.trains:
        raise UserError(f"the method {plan.method.key} trains nothing: there are no pairs to show")
    if not 0 <= step < plan.counts.steps:
        raise UserError(f"there is no step {step}: the run has steps 0 to {plan.counts.steps - 1}")
    sharing = Sharing(plan.counts.steps_per_epoch, plan.counts.draws, plan.recipe.trainer.accumulate)
    device = best_device()
    drawn = components.batches.__getitems__(sharing.numbers(step, micro_batch=0)).to(device)
    for component in (components.view, *components.generators, *components.maskers.maskers.values()):
        to_device(component, device)
    seed_device(plan.recipe.seed, step, micro_batch=0, rank=0)
    # There are no embeddings here.
    maskers = components.maskers.without_similarity()
    rows = rows_of(drawn, maskers.describe(drawn))
    stages = render(components.generators, drawn)
    view_a, view_b, crops = augmented(components.view, stages[-1], components.stages.crops)
    shown = partial(displayable, components.view, size=drawn.frames.shape[-1])
    return SeenBatch(
        drawn=drawn.to("cpu"),
        rendered=stages[-1].to("cpu"),
        changed_by=_changed_by(components, stages),
        view_a=shown(view_a).cpu(),
        view_b=shown(view_a if view_b is None else view_b).cpu(),
        crops=tuple(shown(crop).cpu() for crop in crops),
        rows=rows.to("cpu"),
        masking=_masking(maskers, plan.method_descriptor.negatives, rows) if maskers else None,
        similarity=_similarity(rows).cpu() if len(maskers.maskers) == 1 else None,
    )


def can_render(components: Components) -> bool:
    """True if a generator of the recipe may change pixels."""
    return any(type(generator).render is not PositiveGenerator.render for generator in components.generators)


def displayable(view: View, images: Tensor, size: int) -> Tensor:
    """[B, 3, …] normalised by a view → uint8 RGB.

    The view's output for a black and a white image gives its normalisation. If both outputs are equal, the view
    normalises each image by itself; then each image is stretched to the full range.

    Args:
        size: height and width of the dataset's images.
    """
    levels = torch.tensor([0, 255], dtype=torch.uint8, device=images.device)
    plain = view.plain(levels[:, None, None, None].expand(2, 3, size, size)).float()
    black, white = plain.mean(dim=(2, 3))[:, None, :, None, None]
    if not (white > black).all():
        black, white = images.amin(dim=(1, 2, 3), keepdim=True), images.amax(dim=(1, 2, 3), keepdim=True)
    unit = (images.float() - black) / (white - black).clamp(min=1e-6)
    return (unit * 255).round().clamp(0, 255).byte()


def _changed_by(components: Components, stages: list[Batch]) -> tuple[tuple[str, ...], ...]:
    changes = [
        role_major((before.positives != after.positives).flatten(2).any(dim=2)).tolist()
        for before, after in pairwise(stages)
    ]
    names = [name for name, _ in components.batches.drawer.strategies.generators]
    instances = len(stages[0]) * (1 + stages[0].hard_negatives)
    return tuple(
        tuple(name for name, changed in zip(names, changes, strict=True) if changed[instance])
        for instance in range(instances)
    )


def _masking(maskers: MaskerUnion, negatives: str | None, rows: Rows) -> Masking:
    """Compares side A with all rows; with a queue, compares it with side B instead of the keys."""
    half = len(rows) // 2
    if negatives == "queue":
        masking = maskers.mask(rows[:half], rows[half:], step=0)
        masked = F.pad(masking.masked, (half, 0))
    else:
        masking = maskers.mask(rows, rows, step=0)
        masked = masking.masked[:half]
    return replace(masking, masked=masked.cpu())


def _similarity(rows: Rows) -> Tensor:
    unit = F.normalize(rows.descriptor.float())
    return unit[: len(rows) // 2] @ unit.T
