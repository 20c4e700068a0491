"""InfoNCE on cosine similarity with false negatives left out, explicit negatives added, and an attraction.

Shape letters: N rows of one side on this rank, G rows of one side over all ranks (N × ranks), C candidates,
K entries of the queue, E explicit negatives of a row, D embedding size, S rows that the loss is a mean of (2N in
batch, N with a queue), V masked pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import lightly.loss
import torch
import torch.nn.functional as F
from lightly.utils import dist
from torch import Tensor
from torch.autograd.function import once_differentiable

from ssltoolbox.api import Maskers, Rows
from ssltoolbox.losses.weights import weights_within_draws


class LossTerms(NamedTuple):
    """A loss, [], and the terms for the log, detached; none where nothing but lightly's loss was asked for."""

    loss: Tensor
    terms: Mapping[str, Tensor]


def mean_of(*outcomes: LossTerms) -> LossTerms:
    """The mean of several losses, and of each term."""

    def mean(values: Iterable[Tensor]) -> Tensor:
        return torch.stack(list(values)).mean()

    return LossTerms(
        mean(outcome.loss for outcome in outcomes),
        {name: mean(outcome.terms[name] for outcome in outcomes) for name in outcomes[0].terms},
    )


class NTXentLoss(lightly.loss.NTXentLoss):
    """lightly's `NTXentLoss` for strategies that choose negatives and cancel false ones.

    For row i with positive p, the negatives that are left U(i), and the masked ones V(i):

        L_i = ℓ(i, p) + w · 1/|V(i)| Σ_{v∈V(i)} ℓ(i, v)
        ℓ(i, x) = −log( e^{s_ix/τ} / (e^{s_ix/τ} + Σ_{k∈U(i)} n_ik e^{s_ik/τ}) )

    with cosine similarities s, averaged over rows; the second sum is 0 where V(i) is empty. w = 0 only cancels.
    n_ik, 1 as a rule, is the number of ordinary negatives that the negative k counts as.
    With nothing given but the two sides, this is the parent, to the bit. Unlike the parent's, the queue is
    part of the state dict.

    Source: Shu et al., BMVC 2022, section 3.3; without masks Chen et al. 2020 (batch), He et al. 2020 (queue).
    """

    def __init__(
        self,
        temperature: float = 0.5,
        memory_bank_size: int | Sequence[int] = 0,
        gather_distributed: bool = False,
    ) -> None:
        super().__init__(temperature, memory_bank_size, gather_distributed)
        if self.has_queue:
            for name in ("bank", "bank_ptr"):
                self.memory_bank.register_buffer(name, getattr(self.memory_bank, name), persistent=True)

    @property
    def has_queue(self) -> bool:
        """True if negatives come from a queue, False if they come from the batch."""
        return bool(self.memory_bank.size[0])

    def forward(
        self,
        out0: Tensor,
        out1: Tensor,
        masked: Tensor | None = None,
        negatives: Tensor | None = None,
        attract: float = 0.0,
        weights: Tensor | None = None,
        negative_weights: Tensor | None = None,
    ) -> Tensor:
        """The loss with the mask, negatives and weights that are given.

        Args:
            out0, out1: [N, D] the two sides; row i of both is a pair. With a queue, queries and keys.
            masked: bool, True for a false negative. In batch [2N, 2G]: rows are side 0, then side 1 of this
                rank, columns the same of all ranks; a row itself and its positive are never taken out.
                With a queue [N, K], in the order of the queue before this call.
            negatives: [2N, E, D] in batch, [N, E, D] with a queue: further negatives of each row, never masked.
            attract: w, the weight that draws a row to what was masked for it.
            weights: [2N, 2G] in batch, [N, K] with a queue: n, the number that each candidate counts as, above 0.
            negative_weights: [2N, E] or [N, E], the same of `negatives`.

        Returns:
            [] the loss.
        """
        if masked is None and negatives is None and weights is None:
            loss: Tensor = super().forward(out0, out1)
            return loss
        cancel, attraction = self.terms(
            out0, out1, masked, negatives, attract > 0, weights=weights, negative_weights=negative_weights
        )
        return cancel + attract * attraction if attract > 0 else cancel

    def compare(
        self,
        out0: Tensor,
        out1: Tensor,
        rows: Rows,
        candidates: Rows,
        maskers: Maskers,
        negatives: Tensor | None = None,
        negative_weights: Tensor | None = None,
    ) -> LossTerms:
        """The loss of a step with the recipe's maskers and weights.

        Args:
            out0, out1: [N, D] the two sides, as in `forward`.
            rows: who is compared: the 2N rows of both sides in batch, the N queries with a queue.
            candidates: who they are compared with: 2G rows in batch (`candidates_in_batch`), the K rows of the
                queue as it is before this call (`RowQueue.rows`).
            maskers: those of `MethodContext`.
            negatives, negative_weights: as in `forward`.

        Returns:
            The loss; with maskers its terms too: `cancel_loss`, `attract_loss` before its weight, and what the
            maskers report.
        """
        weights = weights_within_draws(rows, candidates)
        if not maskers:
            loss = self(out0, out1, negatives=negatives, weights=weights, negative_weights=negative_weights)
            return LossTerms(loss, {})
        masking = maskers.mask(rows, candidates)
        cancel, attraction = self.terms(
            out0,
            out1,
            masking.masked,
            negatives,
            masking.attract > 0,
            weights=weights,
            negative_weights=negative_weights,
        )
        terms = {"cancel_loss": cancel.detach(), "attract_loss": attraction.detach(), **masking.terms}
        return LossTerms(cancel + masking.attract * attraction, terms)

    def terms(
        self,
        out0: Tensor,
        out1: Tensor,
        masked: Tensor | None = None,
        negatives: Tensor | None = None,
        attracting: bool = True,
        weights: Tensor | None = None,
        negative_weights: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """([], []): the loss without what was masked, and the attraction before its weight. See `forward`."""
        out0, out1 = F.normalize(out0, dim=1), F.normalize(out1, dim=1)
        if self.has_queue:
            out1, queue_DK = self.memory_bank(out1, update=out0.requires_grad)
            rows_SD, positive_SD, all_CD = out0, out1, queue_DK.to(out0.device).T
        else:
            rows_SD, positive_SD, all_CD = (
                torch.cat([out0, out1]),
                torch.cat([out1, out0]),
                self._gathered(out0, out1),
            )
        logits_SC = self._scaled("sd,cd->sc", rows_SD, all_CD)
        positive_S = self._scaled("sd,sd->s", rows_SD, positive_SD)
        if not self.has_queue:
            pair_S2 = self._own_columns(len(out0), len(all_CD), out0.device)
            masked = None if masked is None else masked.scatter(1, pair_S2, False)
            logits_SC = logits_SC.scatter(1, pair_S2, -torch.inf)
        row_V, column_V = _positions(masked if attracting else None, logits_SC.device)
        log_sum_S, masked_V = _SplitNegatives.apply(logits_SC, masked, weights, row_V, column_V)
        if negatives is not None:
            explicit_SE = self._scaled("sd,sed->se", rows_SD, F.normalize(negatives, dim=2))
            if negative_weights is not None:
                explicit_SE = explicit_SE + negative_weights.log()
            log_sum_S = torch.logaddexp(log_sum_S, explicit_SE.logsumexp(dim=1))
        cancel = _against(log_sum_S, positive_S).mean()
        per_row_S = torch.bincount(row_V, minlength=len(rows_SD)).clamp(min=1)
        attraction = (_against(log_sum_S[row_V], masked_V) / per_row_S[row_V]).sum() / len(rows_SD)
        return cancel, attraction

    parts = terms
    """Its name in API 1."""

    def _scaled(self, equation: str, one: Tensor, other: Tensor) -> Tensor:
        """Cosines of unit vectors over the temperature, in single precision or better."""
        logits = torch.einsum(equation, one / self.temperature, other)
        return logits.to(torch.promote_types(logits.dtype, torch.float32))

    def _gathered(self, out0_ND: Tensor, out1_ND: Tensor) -> Tensor:
        """[2G, D] side 0, then side 1 of all ranks."""
        sides: tuple[Tensor, ...] = (out0_ND, out1_ND)
        if self.gather_distributed and dist.world_size() > 1:
            sides = tuple(torch.cat(dist.gather(side)) for side in sides)
        return torch.cat(sides)

    def _own_columns(self, rows: int, columns: int, device: torch.device) -> Tensor:
        """[2N, 2] for each row in batch its own column and that of its positive, of 2G."""
        own_N = torch.arange(rows, device=device)
        if self.gather_distributed and dist.world_size() > 1:
            own_N = own_N + dist.rank() * rows
        sides_N2 = torch.stack([own_N, own_N + columns // 2], dim=1)
        return torch.cat([sides_N2, sides_N2])


def _positions(masked: Tensor | None, device: torch.device) -> tuple[Tensor, Tensor]:
    """[V] and [V] rows and columns of what was masked."""
    if masked is None:
        nowhere = torch.empty(0, dtype=torch.long, device=device)
        return nowhere, nowhere
    row_V, column_V = masked.nonzero(as_tuple=True)
    return row_V, column_V


def _against(log_sum: Tensor, logit: Tensor) -> Tensor:
    """−log(e^x / (e^x + Σ e^k)) = log(1 + e^{log Σ − x})."""
    return F.softplus(log_sum - logit)


class _SplitNegatives(torch.autograd.Function):
    """The negatives that are left as log Σ n·e^logit [S], and the logits of those that were masked [V].

    Autograd would make a matrix of gradients for each of the two, and others for the masking; here they share one,
    which keeps the loss below the parent's memory.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits_SC: Tensor,
        masked_SC: Tensor | None,
        weights_SC: Tensor | None,
        row_V: Tensor,
        column_V: Tensor,
    ) -> tuple[Tensor, Tensor]:
        kept_SC = logits_SC if weights_SC is None else logits_SC + weights_SC.log()
        kept_SC = kept_SC if masked_SC is None else kept_SC.masked_fill(masked_SC, -torch.inf)
        log_sum_S = kept_SC.logsumexp(dim=1)
        ctx.save_for_backward(kept_SC, log_sum_S, row_V, column_V)
        return log_sum_S, logits_SC[row_V, column_V]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_sum_S: Tensor, grad_masked_V: Tensor
    ) -> tuple[Tensor, None, None, None, None]:
        kept_SC, log_sum_S, row_V, column_V = ctx.saved_tensors
        # A row without any negative has a sum of −∞; it has no gradient.
        log_sum_S = log_sum_S.masked_fill(log_sum_S.isneginf(), 0.0)
        grad_SC = (kept_SC - log_sum_S[:, None]).exp_().mul_(grad_sum_S[:, None])
        grad_SC[row_V, column_V] = grad_masked_V
        return grad_SC, None, None, None, None
