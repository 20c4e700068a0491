"""A table of thresholds that grows with the anchors that are seen, and their optimiser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

HIGHEST = 1.0
"""The threshold of an anchor that was never seen: nothing is above it."""
BETAS, EPSILON = (0.9, 0.98), 1e-8
"""Of Adam, as in the published code."""


class Thresholds(nn.Module):
    """A threshold for each anchor, as a cosine, learned by an Adam of its own.

    The moments of an anchor change only when it is seen, and their bias is corrected by how often it was seen. All
    of it is part of the state dict, and does not depend on the number of ranks.

    Args:
        lr: learning rate.
    """

    anchors: Tensor
    values: Tensor
    first: Tensor
    second: Tensor
    updates: Tensor

    def __init__(self, lr: float) -> None:
        super().__init__()
        self.lr = lr
        self.register_buffer("anchors", torch.empty(0, dtype=torch.long))
        for name in ("values", "first", "second", "updates"):
            self.register_buffer(name, torch.empty(0))

    def of(self, anchors: Tensor) -> Tensor:
        """[A] numbers of anchors → [A] their thresholds."""
        if not len(self.anchors):
            return torch.full(anchors.shape, HIGHEST, device=anchors.device)
        entry = torch.searchsorted(self.anchors, anchors).clamp(max=len(self.anchors) - 1)
        return self.values[entry].where(self.anchors[entry] == anchors, HIGHEST)

    def learn(self, anchors: Tensor, gradient: Tensor) -> None:
        """A step of Adam. The gradients [A] of rows with the same anchor are averaged."""
        seen, row_entry = anchors.unique(return_inverse=True)
        rows = torch.bincount(row_entry, minlength=len(seen))
        mean = gradient.new_zeros(len(seen)).index_add(0, row_entry, gradient) / rows
        self._add(seen)
        entry = torch.searchsorted(self.anchors, seen)
        mean = mean.to(self.values.dtype)
        updates = self.updates[entry] + 1
        first = self.first[entry].lerp(mean, 1 - BETAS[0])
        second = self.second[entry].lerp(mean.square(), 1 - BETAS[1])
        scale = (second / (1 - BETAS[1] ** updates)).sqrt() + EPSILON
        values = self.values[entry] - self.lr * first / (1 - BETAS[0] ** updates) / scale
        self.values[entry] = values.clamp(-1.0, 1.0)
        self.first[entry], self.second[entry], self.updates[entry] = first, second, updates

    def _add(self, seen: Tensor) -> None:
        """Makes entries for anchors that have none; the table stays sorted."""
        new = seen[~torch.isin(seen, self.anchors)]
        if not len(new):
            return
        anchors, order = torch.cat([self.anchors, new]).sort()
        for name, start in (("values", HIGHEST), ("first", 0.0), ("second", 0.0), ("updates", 0.0)):
            buffer = self.get_buffer(name)
            setattr(self, name, torch.cat([buffer, buffer.new_full((len(new),), start)])[order])
        self.anchors = anchors

    def _load_from_state_dict(self, state_dict: Mapping[str, Any], prefix: str, *args: Any) -> None:
        """Gives the table the size of the saved one, then loads it."""
        saved = state_dict.get(f"{prefix}anchors")
        if saved is not None:
            for name, buffer in list(self.named_buffers(recurse=False)):
                setattr(self, name, buffer.new_empty(len(saved)))
        super()._load_from_state_dict(state_dict, prefix, *args)
