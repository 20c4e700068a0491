"""Pastes patches of other clips over positives."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.distributions import Beta

from ssltoolbox.api import Batch, PositiveGenerator
from ssltoolbox_cut_mix import CutMixOptions


class CutMix(PositiveGenerator[CutMixOptions]):
    """Pastes, with probability `p`, a patch of another clip's frame over each positive.

    The frame is an anchor or a hard negative of the batch, and the patch has the same position in both images. It
    is a square with 1 − λ of the image's area, λ from Beta(alpha, alpha), rounded to pixels; all positions within
    the image are equally likely. The landmarks stay those of the positive, also under a patch. If the batch has
    no other clip, the positive stays unchanged. The batch's counts get `patches_pasted`, and `patches_skipped`
    for positives without another clip.
    """

    def render(self, batch: Batch) -> Batch:
        """The batch with patches over its positives."""
        instances = 1 + batch.hard_negatives
        shape, device = (len(batch), instances), batch.frames.device
        wanted = torch.rand(shape, device=device) < self.options.p
        donor, found = _draw_donors(batch.clip[:, :instances])
        corners = self._draw_patches(shape, batch.frames.shape[-1], device)
        pasted = wanted & found

        own, positives = batch.own, batch.positives.clone()
        donors = batch.sources.flatten(0, 1)[donor[own]]
        patch = _inside(corners[:, own], batch.frames.shape[-1])
        covered = (patch & pasted[own][..., None, None])[:, :, None]
        positives[own] = torch.where(covered, donors, positives[own])
        count = int(pasted.sum())
        more = {"patches_pasted": count, "patches_skipped": int(wanted.sum()) - count}
        counts = {name: batch.counts.get(name, 0) + number for name, number in more.items()}
        return replace(
            batch, frames=torch.cat([batch.sources, positives], dim=1), counts={**batch.counts, **counts}
        )

    def _draw_patches(self, shape: tuple[int, int], size: int, device: torch.device) -> Tensor:
        """[4, N, 1+K]: the first and the last row and column of each positive's patch, the last ones excluded."""
        alpha = torch.full(shape, self.options.alpha, device=device)
        side = (size * (1 - Beta(alpha, alpha).sample()).sqrt()).round()
        top, left = (torch.rand((2, *shape), device=device) * (size - side + 1)).floor()
        return torch.stack([top, top + side, left, left + side])


def _inside(corners: Tensor, size: int) -> Tensor:
    """[4, N, 1+K] → [N, 1+K, size, size] bool: True within each patch."""
    top, bottom, left, right = corners[..., None]
    pixels = torch.arange(size, device=corners.device)
    rows, columns = (pixels >= top) & (pixels < bottom), (pixels >= left) & (pixels < right)
    return rows[..., :, None] & columns[..., None, :]


def _draw_donors(clip: Tensor) -> tuple[Tensor, Tensor]:
    """For each positive one of the sources of other clips, all equally likely.

    Args:
        clip: [N, 1+K] of the sources.

    Returns:
        [N, 1+K] number of the source, draw-major, and [N, 1+K] bool, False where there is none.
    """
    eligible = clip[:, :, None] != clip.flatten()
    lots = torch.rand(eligible.shape, device=clip.device)
    return lots.masked_fill(~eligible, -1).argmax(dim=-1), eligible.any(dim=-1)
