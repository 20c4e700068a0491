"""Renders the positives, on the device, all of a batch at once."""

from __future__ import annotations

from dataclasses import replace

import torch

from ssltoolbox.api import Batch, PositiveGenerator
from ssltoolbox_grey_positive import GreyPositiveOptions


class GreyPositive(PositiveGenerator[GreyPositiveOptions]):
    """The frame is its own positive; `render` takes the colour out of some."""

    def render(self, batch: Batch) -> Batch:
        """A new batch; the given one stays as it is."""
        positives = batch.positives
        grey = positives.float().mean(dim=2, keepdim=True).round().to(positives.dtype).expand_as(positives)
        chosen = torch.rand(positives.shape[:2], device=positives.device) < self.options.p
        rendered = torch.where(chosen[..., None, None, None], grey, positives)
        return replace(batch, frames=torch.cat([batch.sources, rendered], dim=1))
