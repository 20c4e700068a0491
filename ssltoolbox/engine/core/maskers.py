"""The recipe's maskers as one: descriptors under their maskers' keys, the union of the masks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from ssltoolbox.api import Batch, Masking, NegativeMasker, Options, Rows, SslToolboxError


class MaskerUnion:
    """The recipe's maskers. False without any.

    Args:
        maskers: key in the recipe → masker, such as `mask_fn` and `mask_fn#2`.
    """

    def __init__(self, maskers: Mapping[str, NegativeMasker[Options]] | None = None) -> None:
        self.maskers = dict(maskers or {})

    def __bool__(self) -> bool:
        return bool(self.maskers)

    @torch.no_grad()
    def describe(self, batch: Batch) -> dict[str, Tensor]:
        """Key → [N, R, F] what each masker says of the frames."""
        frames = batch.frames.shape[:2]
        return {
            key: masker.describe(batch).float().unflatten(0, frames) for key, masker in self.maskers.items()
        }

    @torch.no_grad()
    def mask(self, anchors: Rows, candidates: Rows) -> Masking:
        """Which candidates are false negatives.

        A pair is eligible for a masker when it comes from different draws and both descriptors are finite: a hard
        negative is thus protected from its own anchor, and from nobody else.
        """
        shape = (len(anchors), len(candidates))
        masked = torch.zeros(shape, dtype=torch.bool, device=anchors.draw.device)
        eligible_any = masked.clone()
        different = (anchors.draw[:, None] != candidates.draw) & (candidates.draw >= 0)
        for key, masker in self.maskers.items():
            own, theirs = _seen_by(key, anchors, candidates)
            eligible = different & _finite(own.descriptors[key])[:, None] & _finite(theirs.descriptors[key])
            picked = masker.mask(own, theirs, eligible)
            if picked.shape != shape or picked.dtype != torch.bool:
                raise SslToolboxError(
                    f"{type(masker).__name__}.mask gave {picked.dtype} {list(picked.shape)}, "
                    f"not torch.bool {list(shape)}"
                )
            masked |= picked & eligible
            eligible_any |= eligible
        attract = max((masker.attract for masker in self.maskers.values()), default=0.0)
        terms = {"masked_share": masked.sum() / eligible_any.sum().clamp(min=1)}
        terms |= _agreement(masked, eligible_any, anchors, candidates)
        return Masking(masked, attract, terms)


def _seen_by(key: str, anchors: Rows, candidates: Rows) -> tuple[Rows, Rows]:
    """The rows with the descriptors of one masker alone: NaN for candidates without any, as in an empty queue."""
    own, theirs = (rows.descriptors.get(key, rows.descriptors.get("")) for rows in (anchors, candidates))
    if own is None:
        raise SslToolboxError(f"the rows have no descriptors of masker {key!r}")
    if theirs is None:
        theirs = own.new_full((len(candidates), own.shape[1]), torch.nan)
    return replace(anchors, descriptors={key: own}), replace(candidates, descriptors={key: theirs})


def _finite(descriptors: Tensor) -> Tensor:
    return descriptors.isfinite().all(dim=1)


def _agreement(masked: Tensor, eligible: Tensor, anchors: Rows, candidates: Rows) -> dict[str, Tensor]:
    """For each label of classes, how often a masked candidate has the row's class, and how often any has."""
    terms = {}
    for label, values in anchors.labels.items():
        theirs = candidates.labels.get(label)
        if theirs is None or values.ndim > 1 or values.is_floating_point():
            continue
        known = eligible & (values >= 0)[:, None] & (theirs >= 0)
        same = known & (values[:, None] == theirs)
        terms[f"masked_same_{label}"] = (same & masked).sum() / (known & masked).sum().clamp(min=1)
        terms[f"chance_same_{label}"] = same.sum() / known.sum().clamp(min=1)
    return terms
