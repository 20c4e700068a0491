"""SupCon on lightly's head of SimCLR."""

from __future__ import annotations

from lightly.models.modules.heads import SimCLRProjectionHead
from torch import nn

from ssltoolbox.api import MethodContext, StepInputs, StepOutput
from ssltoolbox.losses import NTXentLoss, candidates_in_batch, same_class
from ssltoolbox_supcon import SupConOptions


class SupCon(nn.Module):
    """Each row is pulled to all rows of its class, of both sides and all processes, and away from the others."""

    def __init__(self, options: SupConOptions, context: MethodContext) -> None:
        super().__init__()
        self.backbone = context.backbone
        self.projection = SimCLRProjectionHead(
            context.feature_dim, options.hidden_dim, options.output_dim, batch_norm=options.batch_norm
        )
        self.loss = NTXentLoss(options.temperature, gather_distributed=context.distributed)
        self._label = options.label
        self._context = context

    def step(self, inputs: StepInputs) -> StepOutput:
        """[M, 3, S, S] twice → the mean over 2M rows; a row's loss is the mean over its positives."""
        rows = inputs.rows
        embedded_a, embedded_b = (self.projection(self.backbone(view)) for view in inputs.views)
        candidates = candidates_in_batch(rows, self._context, needed=True)
        positives = same_class(rows, candidates, self._label)
        loss, terms = self.loss.compare(
            embedded_a,
            embedded_b,
            rows,
            candidates,
            self._context.maskers,
            positives=positives,
            step=inputs.step,
        )
        return StepOutput(loss, terms, embedded_a, embedded_b, temperature=self.loss.temperature)
