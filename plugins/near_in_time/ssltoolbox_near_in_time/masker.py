"""The masker. Every row has a clip and a time, so it needs no descriptor."""

from __future__ import annotations

from torch import Tensor

from ssltoolbox.api import NegativeMasker, Rows
from ssltoolbox_near_in_time import NearInTimeOptions


class NearInTime(NegativeMasker[NearInTimeOptions]):
    """A row's false negatives are the frames of its clip that are less than `gap` seconds away."""

    def __init__(self, options: NearInTimeOptions) -> None:
        super().__init__(options)
        self.attract = options.attract

    def mask(self, anchors: Rows, candidates: Rows, eligible: Tensor) -> Tensor:
        """[A, C] bool: True where the candidate is a false negative of the anchor."""
        distance = (anchors.time[:, None] - candidates.time).abs()
        return eligible & (anchors.clip[:, None] == candidates.clip) & (distance < self.options.gap)
