"""Chooses the positives to swap and their donors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor

from ssltoolbox.api import Batch, PositiveGenerator
from ssltoolbox_face_swap import FaceSwapOptions
from ssltoolbox_face_swap.geometry import is_usable
from ssltoolbox_face_swap.pose import angles, mirrored, mirrored_views, views
from ssltoolbox_face_swap.swap import swap_faces


class FaceSwap(PositiveGenerator[FaceSwapOptions]):
    """Puts each positive's face on a donor's head, with probability `p`.

    All positives of a draw have the same donor: an anchor or a hard negative of the batch, of another identity
    and with usable landmarks. With `max_angle` it is one whose pose is near to as many of the positives as
    possible; where the mirror image of the donor's head is nearer, that is taken. A positive without usable
    landmarks or without a donor stays unchanged. The batch's counts get `faces_swapped`, and `swaps_skipped` for
    positives that could not be swapped.
    """

    def render(self, batch: Batch) -> Batch:
        """The batch with swapped positives; their landmarks are those of the new pictures."""
        instances = 1 + batch.hard_negatives
        usable, usable_positives = is_usable(batch.landmarks, batch.frames.shape[-1]).split(instances, dim=1)
        wanted = torch.rand(usable_positives.shape, device=batch.frames.device) < self.options.p
        eligible = _eligible(batch.identity[:, :instances], usable)
        wanted_and_usable = wanted & usable_positives
        if self.options.max_angle is None:
            donor, found = _draw_donors(eligible)
            possible, mirror = wanted_and_usable & found[:, None], None
        else:
            sources, positives = batch.landmarks.split(instances, dim=1)
            poses = DonorPoses.of(sources, positives, self.options.max_angle)
            donor, _ = _draw_donors(poses.best(eligible, wanted_and_usable))
            near, mirror = poses.of_donors(donor)
            possible = wanted_and_usable & near & eligible.gather(1, donor[:, None])
        swapped = int(possible.sum())
        skipped = int(wanted.sum()) - swapped
        kept = torch.zeros_like(possible)
        kept[batch.own] = True
        chosen = (possible & kept).nonzero(as_tuple=True)
        if len(chosen[0]):
            batch = self._swap(batch, chosen, donor, mirror)
        return replace(batch, counts=_added(batch.counts, faces_swapped=swapped, swaps_skipped=skipped))

    def _swap(self, batch: Batch, chosen: tuple[Tensor, ...], donor: Tensor, mirror: Tensor | None) -> Batch:
        """Swaps the chosen positives, (draws, instances).

        Args:
            batch: the positives and the donors.
            chosen: of the positives, as indices.
            donor: [N] number of the source, draw-major.
            mirror: [N, 1+K] bool, whether the donor's head is mirrored; None mirrors none.
        """
        instances, images = 1 + batch.hard_negatives, batch.frames.shape[1]
        draw, instance = chosen
        target = draw * images + instances + instance
        source = (donor // instances * images + donor % instances)[draw]
        frames, landmarks = batch.frames.flatten(0, 1), batch.landmarks.flatten(0, 1)
        heads, head_points = frames.index_select(0, source), landmarks.index_select(0, source)
        if mirror is not None:
            turned = mirror[chosen].nonzero()[:, 0]
            flipped = mirrored(heads.index_select(0, turned), head_points.index_select(0, turned))
            heads, head_points = (
                _with_rows(table, turned, rows)
                for table, rows in zip((heads, head_points), flipped, strict=True)
            )
        swapped, moved = swap_faces(
            frames.index_select(0, target),
            landmarks.index_select(0, target),
            heads,
            head_points,
            blur=self.options.blur,
            feather=self.options.feather,
            region=self.options.region,
        )
        return replace(
            batch,
            frames=_with_rows(frames, target, swapped).view_as(batch.frames),
            landmarks=_with_rows(landmarks, target, moved).view_as(batch.landmarks),
        )


def _eligible(identity: Tensor, usable: Tensor) -> Tensor:
    """Which of the sources may give its head to a draw: usable ones of none of the draw's own identities.

    Args:
        identity: [N, 1+K] of the sources.
        usable: [N, 1+K] bool.

    Returns:
        [N, N(1+K)] bool, sources draw-major.
    """
    others = (identity[:, :, None] != identity.flatten()).all(dim=1)
    return usable.flatten() & others


def _draw_donors(eligible: Tensor) -> tuple[Tensor, Tensor]:
    """For each draw one of the eligible sources, all equally likely.

    Args:
        eligible: [N, sources] bool.

    Returns:
        [N] number of the source, and [N] bool, False where there is none.
    """
    lots = torch.rand(eligible.shape, device=eligible.device).masked_fill(~eligible, -1)
    return lots.argmax(dim=1), eligible.any(dim=1)


class DonorPoses(NamedTuple):
    """How far sources are turned away from positives.

    Attributes:
        near: [N, 1+K, sources] bool, whether the source or its mirror image has a similar pose.
        mirror: [N, 1+K, sources] bool, whether the mirror image is nearer.
    """

    near: Tensor
    mirror: Tensor

    @classmethod
    def of(cls, sources: Tensor, positives: Tensor, max_angle: float) -> DonorPoses:
        """
        Args:
            sources, positives: [N, 1+K, 68, 2] landmarks.
            max_angle: degrees at which a pose is still similar.
        """
        wanted, given = views(positives), views(sources).flatten(0, 1)
        plain, turned = angles(wanted, given), angles(wanted, mirrored_views(given))
        return cls(torch.minimum(plain, turned) <= max_angle, turned < plain)

    def best(self, eligible: Tensor, wanted: Tensor) -> Tensor:
        """[N, sources] bool: those eligible sources that are near to the most of the wanted positives [N, 1+K]."""
        served = (self.near & wanted[..., None]).sum(dim=1).masked_fill(~eligible, 0)
        return eligible & (served == served.max(dim=1, keepdim=True).values)

    def of_donors(self, donor: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 1+K] `near` and `mirror` of the donor [N] of each draw."""
        at = donor[:, None, None].expand(-1, self.near.shape[1], 1)
        return self.near.gather(2, at)[..., 0], self.mirror.gather(2, at)[..., 0]


def _with_rows(table: Tensor, positions: Tensor, rows: Tensor) -> Tensor:
    """A copy of a table with other rows at [n] positions.

    On a CPU, selecting rows of both is faster than writing rows by index.
    """
    count, more = len(table), len(rows)
    order = torch.arange(count, device=table.device)
    order[positions] = torch.arange(count, count + more, device=table.device)
    return torch.cat([table, rows]).index_select(0, order)


def _added(counts: Mapping[str, int], **more: int) -> dict[str, int]:
    return {**counts, **{name: counts.get(name, 0) + number for name, number in more.items()}}
