"""Chooses the positives to swap and their donors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ssltoolbox.api import Batch, PositiveGenerator
from ssltoolbox_face_swap import FaceSwapOptions
from ssltoolbox_face_swap.geometry import is_usable
from ssltoolbox_face_swap.swap import swap_faces


class FaceSwap(PositiveGenerator[FaceSwapOptions]):
    """Puts each positive's face on a donor's head, with probability `p`.

    All positives of a draw have the same donor: an anchor or a hard negative of the batch, of another identity
    and with usable landmarks. A positive without usable landmarks or without a donor stays unchanged. The batch's
    counts get `faces_swapped`, and `swaps_skipped` for positives that could not be swapped.
    """

    def render(self, batch: Batch) -> Batch:
        """The batch with swapped positives; their landmarks are those of the new pictures."""
        sides = batch.landmarks.split(1 + batch.hard_negatives, dim=1)
        usable, usable_positives = (is_usable(points, batch.frames.shape[-1]) for points in sides)
        wanted = torch.rand(usable_positives.shape, device=batch.frames.device) < self.options.p
        donor, found = _draw_donors(batch.identity[:, : usable.shape[1]], usable)
        possible = wanted & usable_positives & found[:, None]
        swapped = int(possible.sum())
        skipped = int(wanted.sum()) - swapped
        kept = torch.zeros_like(possible)
        kept[batch.own] = True
        chosen = (possible & kept).nonzero(as_tuple=True)
        if len(chosen[0]):
            batch = self._swap(batch, chosen, donor)
        return replace(batch, counts=_added(batch.counts, faces_swapped=swapped, swaps_skipped=skipped))

    def _swap(self, batch: Batch, chosen: tuple[Tensor, ...], donor: Tensor) -> Batch:
        """Swaps the chosen positives, (draws, instances); `donor` [N] counts sources, draw-major."""
        instances = 1 + batch.hard_negatives
        draw, instance = chosen
        target = (draw, instance + instances)
        source = (donor[draw] // instances, donor[draw] % instances)
        frames, landmarks = batch.frames.clone(), batch.landmarks.clone()
        frames[target], landmarks[target] = swap_faces(
            frames[target],
            landmarks[target],
            frames[source],
            landmarks[source],
            blur=self.options.blur,
            feather=self.options.feather,
        )
        return replace(batch, frames=frames, landmarks=landmarks)


def _draw_donors(identity: Tensor, usable: Tensor) -> tuple[Tensor, Tensor]:
    """For each draw one of the usable sources whose identity is none of the draw's own, all equally likely.

    Args:
        identity: [N, 1+K] of the sources.
        usable: [N, 1+K] bool.

    Returns:
        [N] number of the source, draw-major, and [N] bool, False where there is none.
    """
    others = (identity[:, :, None] != identity.flatten()).all(dim=1)
    eligible = usable.flatten() & others
    lots = torch.rand(eligible.shape, device=identity.device).masked_fill(~eligible, -1)
    return lots.argmax(dim=1), eligible.any(dim=1)


def _added(counts: Mapping[str, int], **more: int) -> dict[str, int]:
    return {**counts, **{name: counts.get(name, 0) + number for name, number in more.items()}}
