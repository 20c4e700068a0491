"""The method, on lightly's heads and memory bank."""

from __future__ import annotations

from lightly.models.modules import NNMemoryBankModule
from lightly.models.modules.heads import NNCLRPredictionHead, NNCLRProjectionHead
from torch import Tensor, nn

from ssltoolbox.api import MethodContext, Rows, StepOutput
from ssltoolbox.losses import NTXentLoss, candidates_in_batch, weights_within_draws
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

    def before_step(self, step: int) -> None:
        """Nothing moves between steps."""

    def step(self, view_a: Tensor, view_b: Tensor, rows: Rows) -> StepOutput:
        """[M, 3, S, S] twice → the mean of both directions' losses; side B enters the support set."""
        projected_a, projected_b = (self.projection(self.backbone(view)) for view in (view_a, view_b))
        predicted_a, predicted_b = self.prediction(projected_a), self.prediction(projected_b)
        embeddings, pairs = projected_a.detach(), projected_b.detach()
        friends_a = self.support(embeddings)
        friends_b = self.support(pairs, update=predicted_b.requires_grad)
        maskers = self._context.maskers
        candidates = candidates_in_batch(rows, self._context)
        weights = weights_within_draws(rows, candidates)
        weights_back = None if weights is None else _sides_swapped(weights)
        if not maskers:
            there = self.loss(friends_a, predicted_b, weights=weights)
            back = self.loss(friends_b, predicted_a, weights=weights_back)
            return StepOutput(0.5 * (there + back), embeddings=embeddings, pairs=pairs)
        masking = maskers.mask(rows, candidates)
        masked_back, attracting = _sides_swapped(masking.masked), masking.attract > 0
        there = self.loss.parts(
            friends_a, predicted_b, masking.masked, attracting=attracting, weights=weights
        )
        back = self.loss.parts(
            friends_b, predicted_a, masked_back, attracting=attracting, weights=weights_back
        )
        cancel, attraction = (0.5 * (one + other) for one, other in zip(there, back, strict=True))
        parts = {"cancel_loss": cancel.detach(), "attract_loss": attraction.detach(), **masking.parts}
        return StepOutput(cancel + masking.attract * attraction, parts, embeddings, pairs)


def _support_set(length: int, dim: int, distributed: bool) -> NNMemoryBankModule:
    """lightly's, made part of the state dict and, over ranks, one for all."""
    bank = NNMemoryBankModule((length, dim))
    bank.gather_distributed = distributed
    for name in ("bank", "bank_ptr"):
        bank.register_buffer(name, getattr(bank, name), persistent=True)
    return bank


def _sides_swapped(masked: Tensor) -> Tensor:
    """[2M, 2G] with side B before side A in rows and in columns."""
    return masked.roll((masked.shape[0] // 2, masked.shape[1] // 2), dims=(0, 1))
