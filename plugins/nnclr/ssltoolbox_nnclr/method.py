"""The method, with lightly's heads and memory bank."""

from __future__ import annotations

from functools import partial

from lightly.models.modules import NNMemoryBankModule
from lightly.models.modules.heads import NNCLRPredictionHead, NNCLRProjectionHead
from torch import nn

from ssltoolbox.api import MethodContext, Rows, StepInputs, StepOutput
from ssltoolbox.losses import NTXentLoss, candidates_in_batch, in_single_precision, mean_of, saved
from ssltoolbox_nnclr import NNCLROptions


class NNCLR(nn.Module):
    """The prediction of each side is compared with the neighbours of the other side's projections."""

    def __init__(self, options: NNCLROptions, context: MethodContext) -> None:
        super().__init__()
        hidden, output = options.hidden_dim, options.output_dim
        self.backbone = context.backbone
        self.projection = NNCLRProjectionHead(context.feature_dim, hidden, output)
        self.prediction = NNCLRPredictionHead(output, options.prediction_dim, output)
        self.support = _support_set(options.support, output, context.distributed)
        self.loss = NTXentLoss(options.temperature, gather_distributed=context.distributed)
        self._context = context

    def step(self, inputs: StepInputs) -> StepOutput:
        """The loss of both sides, the mean over both directions. Side B enters the support set."""
        rows, step = inputs.rows, inputs.step
        projected_a, projected_b = (self.projection(self.backbone(view)) for view in inputs.views)
        predicted_a, predicted_b = self.prediction(projected_a), self.prediction(projected_b)
        neighbours_a = in_single_precision(self.support, projected_a.detach())
        enters = partial(self.support, update=predicted_b.requires_grad)
        neighbours_b = in_single_precision(enters, projected_b.detach())
        maskers = self._context.maskers
        candidates = candidates_in_batch(rows, self._context)
        loss, terms = mean_of(
            self.loss.compare(neighbours_a, predicted_b, rows, candidates, maskers, step=step),
            self.loss.compare(
                neighbours_b,
                predicted_a,
                _sides_swapped(rows),
                _sides_swapped(candidates),
                maskers,
                step=step,
            ),
        )
        return StepOutput(loss, terms, projected_a, projected_b, temperature=self.loss.temperature)


def _support_set(length: int, dim: int, distributed: bool) -> NNMemoryBankModule:
    """lightly's memory bank, as part of the state dict, and the same on all ranks."""
    bank = NNMemoryBankModule((length, dim))
    bank.gather_distributed = distributed
    return saved(bank)


def _sides_swapped(rows: Rows) -> Rows:
    """The same rows, with side B before side A."""
    half = len(rows) // 2
    return rows[half:] + rows[:half]
