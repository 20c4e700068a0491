"""Barlow Twins on lightly's head and loss."""

from __future__ import annotations

from lightly.loss import BarlowTwinsLoss
from lightly.models.modules.heads import BarlowTwinsProjectionHead
from torch import nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import gather_embeddings, in_single_precision
from ssltoolbox_barlow_twins import BarlowTwinsOptions


class BarlowTwins(nn.Module):
    """The correlations are those of the whole batch, over all processes.

    lightly's own gathering averages correlations that each process has normalised by its own rows, and that is not
    the loss of the whole batch. So the embeddings are gathered instead.
    """

    def __init__(self, options: BarlowTwinsOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = BarlowTwinsProjectionHead(
            context.feature_dim, options.hidden_dim, options.output_dim
        )
        self.loss = BarlowTwinsLoss(options.redundancy)

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the squared distance of the correlations from the identity, weighted."""
        embedded_a, embedded_b = (self.projection(self.backbone(view)) for view in inputs.views)
        everyone = (gather_embeddings(side) for side in (embedded_a, embedded_b))
        loss = in_single_precision(self.loss, *everyone)
        return StepOutput(loss, embeddings=embedded_a, pairs=embedded_b)
