"""BYOL: Grill et al., Bootstrap Your Own Latent, 2020."""

from __future__ import annotations

import torch
from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules.heads import BYOLPredictionHead, BYOLProjectionHead
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import in_single_precision
from ssltoolbox.methods.plugin import BYOLOptions
from ssltoolbox.models import Momentum


class BYOL(nn.Module):
    """Each side predicts the momentum network's projection of the other side; there are no negatives."""

    def __init__(self, options: BYOLOptions, context: MethodContext) -> None:
        super().__init__()
        hidden, output = options.hidden_dim, options.output_dim
        self.backbone = context.backbone
        self.projection = BYOLProjectionHead(context.feature_dim, hidden, output)
        self.prediction = BYOLPredictionHead(output, hidden, output)
        self._target = Momentum(
            self.backbone, self.projection, momentum=options.momentum, final=1.0, steps=context.steps
        )
        self.target_backbone, self.target_projection = self._target.copies
        self.loss = NegativeCosineSimilarity()

    def before_step(self, step: int) -> None:
        """Updates the target network; its momentum rises to 1."""
        self._target.update(step)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the symmetric negative cosine similarity, in [-1, 1]."""
        view_a, view_b = inputs.views
        projected_a = self.projection(self.backbone(view_a))
        target_a = self._targets(view_a)
        projected_b = self.projection(self.backbone(view_b))
        target_b = self._targets(view_b)
        loss_a = in_single_precision(self.loss, self.prediction(projected_a), target_b)
        loss_b = in_single_precision(self.loss, self.prediction(projected_b), target_a)
        return StepOutput(0.5 * (loss_a + loss_b), embeddings=projected_a, pairs=projected_b)

    @torch.no_grad()
    def _targets(self, view: Tensor) -> Tensor:
        targets: Tensor = self.target_projection(self.target_backbone(view))
        return targets
