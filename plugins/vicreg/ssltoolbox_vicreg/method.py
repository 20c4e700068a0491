"""VICReg on lightly's head and loss."""

from __future__ import annotations

from lightly.loss import VICRegLoss
from lightly.models.modules.heads import VICRegProjectionHead
from torch import nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import in_single_precision
from ssltoolbox_vicreg import VICRegOptions


class VICReg(nn.Module):
    """Variance and covariance are those of the whole batch, over all processes."""

    def __init__(self, options: VICRegOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = VICRegProjectionHead(context.feature_dim, options.hidden_dim, options.output_dim)
        self.loss = VICRegLoss(
            options.invariance, options.variance, options.covariance, gather_distributed=context.distributed
        )

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the weighted sum of the three terms."""
        embedded_a, embedded_b = (self.projection(self.backbone(view)) for view in inputs.views)
        loss = in_single_precision(self.loss, embedded_a, embedded_b)
        return StepOutput(loss, embeddings=embedded_a, pairs=embedded_b)
