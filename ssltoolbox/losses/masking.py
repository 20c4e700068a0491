"""Several maskers as one: descriptors side by side, the union of the masks, the largest attraction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ssltoolbox.api import Batch, NegativeMasker, Options, Rows, SslToolboxError


@dataclass(frozen=True, eq=False)
class Masking:
    """What the maskers say of a step.

    Attributes:
        masked: [A, C] bool, True for a false negative.
        attract: the weight of the attraction.
        parts: scalars for the log: the share of eligible candidates that was masked and, where labels are
            known, how often a masked one has the row's expression, beside chance.
    """

    masked: Tensor
    attract: float
    parts: Mapping[str, Tensor] = field(default_factory=dict)


class MaskerUnion:
    """The recipe's maskers. False without any."""

    def __init__(self, maskers: Sequence[NegativeMasker[Options]] = ()) -> None:
        self.maskers = tuple(maskers)
        self._widths: list[int] = []

    def __bool__(self) -> bool:
        return bool(self.maskers)

    @torch.no_grad()
    def describe(self, batch: Batch) -> Tensor:
        """[N, R, F] the descriptors of all maskers side by side; F is 0 without maskers."""
        frames = batch.frames.shape[:2]
        described = [masker.describe(batch) for masker in self.maskers]
        self._widths = [int(part.shape[1]) for part in described]
        if not described:
            return torch.empty(*frames, 0, device=batch.frames.device)
        return torch.cat([part.float() for part in described], dim=1).unflatten(0, frames)

    @torch.no_grad()
    def mask(self, anchors: Rows, candidates: Rows) -> Masking:
        """Which candidates are false negatives.

        A pair is eligible when it comes from different draws and both descriptors are finite: a hard negative
        is thus protected from its own anchor, and from nobody else.
        """
        shape = (len(anchors), len(candidates))
        masked = torch.zeros(shape, dtype=torch.bool, device=anchors.draw.device)
        eligible_any = masked.clone()
        different = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
        start = 0
        for masker, width in zip(self.maskers, self._widths, strict=True):
            part = slice(start, start := start + width)
            own, theirs = _with_part(anchors, part), _with_part(candidates, part)
            eligible = different & _finite(own)[:, None] & _finite(theirs)
            picked = masker.mask(own, theirs, eligible)
            if picked.shape != shape or picked.dtype != torch.bool:
                raise SslToolboxError(
                    f"{type(masker).__name__}.mask gave {picked.dtype} {list(picked.shape)}, "
                    f"not torch.bool {list(shape)}"
                )
            masked |= picked & eligible
            eligible_any |= eligible
        attract = max((masker.attract for masker in self.maskers), default=0.0)
        return Masking(masked, attract, _parts(masked, eligible_any, anchors, candidates))


def _with_part(rows: Rows, part: slice) -> Rows:
    return replace(rows, descriptor=rows.descriptor[:, part])


def _finite(rows: Rows) -> Tensor:
    return rows.descriptor.isfinite().all(dim=1)


def _parts(masked: Tensor, eligible: Tensor, anchors: Rows, candidates: Rows) -> dict[str, Tensor]:
    parts = {"masked_share": masked.sum() / eligible.sum().clamp(min=1)}
    if "expression" in anchors.labels and "expression" in candidates.labels:
        own, theirs = anchors.labels["expression"][:, None], candidates.labels["expression"]
        known = eligible & (own >= 0) & (theirs >= 0)
        same = known & (own == theirs)
        parts["masked_same_expression"] = (same & masked).sum() / (known & masked).sum().clamp(min=1)
        parts["chance_same_expression"] = same.sum() / known.sum().clamp(min=1)
    return parts
