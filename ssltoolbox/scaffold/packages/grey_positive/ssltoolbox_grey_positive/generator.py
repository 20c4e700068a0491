"""The generator. It changes all positives of a batch at once, on the device."""

from __future__ import annotations

from dataclasses import replace

import torch

from ssltoolbox.api import Batch, PositiveGenerator
from ssltoolbox_grey_positive import GreyPositiveOptions


class GreyPositive(PositiveGenerator[GreyPositiveOptions]):
    """The frame is its own positive, and `render` makes some positives grey."""

    def render(self, batch: Batch) -> Batch:
        """Returns a new batch, and does not change its input."""
        positives = batch.positives
        grey = positives.float().mean(dim=2, keepdim=True).round().to(positives.dtype).expand_as(positives)
        chosen = torch.rand(positives.shape[:2], device=positives.device) < self.options.p
        rendered = torch.where(chosen[..., None, None, None], grey, positives)
        return replace(batch, frames=torch.cat([batch.sources, rendered], dim=1))
