"""The method, with lightly's heads and loss."""

from __future__ import annotations

from lightly.loss import NegativeCosineSimilarity
from lightly.models.modules.heads import SimSiamPredictionHead, SimSiamProjectionHead
from torch import nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import in_single_precision
from ssltoolbox_simsiam import SimSiamOptions


class SimSiam(nn.Module):
    """The backbone, with a projection head and a prediction head."""

    def __init__(self, options: SimSiamOptions, context: MethodContext) -> None:
        super().__init__()
        dim = options.output_dim
        self.backbone = context.backbone
        self.projection = SimSiamProjectionHead(context.feature_dim, dim, dim)
        self.prediction = SimSiamPredictionHead(dim, options.hidden_dim, dim)
        self.loss = NegativeCosineSimilarity()

    def step(self, inputs: StepInputs) -> StepOutput:
        """The loss of both sides, the mean over both directions."""
        embeddings_a, embeddings_b = (self.projection(self.backbone(view)) for view in inputs.views)
        a_to_b = in_single_precision(self.loss, self.prediction(embeddings_a), embeddings_b.detach())
        b_to_a = in_single_precision(self.loss, self.prediction(embeddings_b), embeddings_a.detach())
        return StepOutput((a_to_b + b_to_a) / 2, {}, embeddings_a, embeddings_b)
