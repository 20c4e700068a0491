"""SimCLR: Chen et al., A Simple Framework for Contrastive Learning of Visual Representations, 2020."""

from __future__ import annotations

from lightly.models.modules.heads import SimCLRProjectionHead
from torch import nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import NTXentLoss, candidates_in_batch
from ssltoolbox.methods.choices import loss_choice
from ssltoolbox.methods.plugin import SimCLROptions


class SimCLR(nn.Module):
    """Every row is compared with all others of both sides, hard negatives among them."""

    def __init__(self, options: SimCLROptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = SimCLRProjectionHead(
            context.feature_dim, options.hidden_dim, options.output_dim, batch_norm=options.batch_norm
        )
        self.loss = NTXentLoss(
            options.temperature, gather_distributed=context.distributed, **loss_choice(options)
        )
        self._context = context

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the symmetric contrastive loss over 2M rows."""
        embedded_a, embedded_b = (self.projection(self.backbone(view)) for view in inputs.views)
        candidates = candidates_in_batch(inputs.rows, self._context)
        loss, terms = self.loss.compare(
            embedded_a, embedded_b, inputs.rows, candidates, self._context.maskers, step=inputs.step
        )
        return StepOutput(loss, terms, embedded_a, embedded_b, temperature=self.loss.temperature)
