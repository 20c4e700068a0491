"""How much each negative counts, where a recipe weighs its hard negatives."""

from __future__ import annotations

import torch
from torch import Tensor

from ssltoolbox.api import Rows


def weights_within_draws(anchors: Rows, candidates: Rows) -> Tensor | None:
    """[A, C]: between rows of one draw the larger of their two weights, else 1. None where no row has one."""
    if anchors.weight is None or candidates.weight is None:
        return None
    larger = torch.maximum(anchors.weight[:, None], candidates.weight)
    return larger.where(anchors.draw[:, None] == candidates.draw, 1.0)
