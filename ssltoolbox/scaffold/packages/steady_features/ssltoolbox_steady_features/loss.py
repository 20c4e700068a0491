"""The loss of the rows of a micro-batch on this rank."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import AuxiliaryInputs, AuxiliaryLoss
from ssltoolbox_steady_features import SteadyFeaturesOptions


class SteadyFeatures(AuxiliaryLoss[SteadyFeaturesOptions]):
    """The mean of 1 - cosine over pairs of rows of one clip that are near in time; 0 if there are none."""

    def loss(self, inputs: AuxiliaryInputs) -> Tensor:
        """The loss [], before the weight is applied."""
        rows = inputs.rows
        unit = F.normalize(inputs.features, dim=1)
        same_clip = rows.clip[:, None] == rows.clip
        near = (rows.time[:, None] - rows.time).abs() <= self.options.seconds
        pairs = (same_clip & near).fill_diagonal_(False)
        return ((1 - unit @ unit.T) * pairs).sum() / pairs.sum().clamp(min=1)
