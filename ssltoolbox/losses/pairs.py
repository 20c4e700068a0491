"""Weights and classes of pairs of rows, and explicit negatives."""

from __future__ import annotations

import torch
from torch import Tensor

from ssltoolbox.api import Rows


def weights_within_draws(anchors: Rows, candidates: Rows) -> Tensor | None:
    """[A, C]: for two rows of one draw on different sides, the larger of their weights; else 1.

    The positive of a row is on the other side. A hard negative there has what the two pictures of that side share,
    such as the head that FaceSwap gives them, so only the expression tells them apart. The hard negative on the
    row's own side would outweigh a positive that has another head. If the sides are not known, all rows of a draw
    are weighted.

    Returns:
        The weights, or None if the rows have none.
    """
    if anchors.weight is None or candidates.weight is None:
        return None
    weighted = anchors.draw[:, None] == candidates.draw
    if anchors.side is not None and candidates.side is not None:
        weighted &= anchors.side[:, None] != candidates.side
    return torch.maximum(anchors.weight[:, None], candidates.weight).where(weighted, 1.0)


def same_class(anchors: Rows, candidates: Rows, label: str) -> Tensor:
    """[A, C] bool: True where both rows have the same class of a label. Class -1 means that a row has no class."""
    classes, others = anchors.labels[label], candidates.labels[label]
    return (classes[:, None] == others) & (classes >= 0)[:, None]


def joined_negatives(
    negatives: Tensor | None, weights: Tensor | None, further: Tensor | None
) -> tuple[Tensor | None, Tensor | None]:
    """Explicit negatives [S, E, D] and their weights [S, E], with further negatives that count as one each."""
    if further is None or negatives is None:
        return (negatives if further is None else further), weights
    if weights is not None:
        weights = torch.cat([weights, weights.new_ones(further.shape[:2])], dim=1)
    return torch.cat([negatives, further], dim=1), weights
