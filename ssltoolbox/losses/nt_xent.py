"""InfoNCE on cosine similarity, with masked false negatives, explicit negatives, and an attraction.

Shape letters: N rows of one side on this rank, G rows of one side over all ranks (N × ranks), C candidates,
K entries of the queue, E explicit negatives of a row, D embedding size, S rows that the loss is a mean of (2N in
batch, N with a queue or one way), P columns of a row that are never its negatives, V masked pairs.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import lightly.loss
import torch
import torch.nn.functional as F
from lightly.utils import dist
from torch import Tensor

from ssltoolbox.api import LossTerms, Maskers, Rows
from ssltoolbox.losses.choices import RobustInfoNCE, SoftTargets
from ssltoolbox.losses.gather import gather_embeddings
from ssltoolbox.losses.pairs import joined_negatives, weights_within_draws
from ssltoolbox.losses.precision import in_single_precision, single
from ssltoolbox.losses.queue import saved
from ssltoolbox.losses.split_negatives import SplitNegatives


def mean_of(*outcomes: LossTerms) -> LossTerms:
    """The mean of several losses, and of each term."""

    def mean(values: Iterable[Tensor]) -> Tensor:
        return torch.stack(list(values)).mean()

    return LossTerms(
        mean(outcome.loss for outcome in outcomes),
        {name: mean(outcome.terms[name] for outcome in outcomes) for name in outcomes[0].terms},
    )


class NTXentLoss(lightly.loss.NTXentLoss):
    """lightly's `NTXentLoss`, extended by masks, explicit negatives, weights and an attraction.

    For row i with positive p, the unmasked negatives U(i) and the masked candidates V(i):

        L_i = ℓ(i, p) + w · 1/|V(i)| Σ_{v∈V(i)} ℓ(i, v)
        ℓ(i, x) = −log( e^{s_ix/τ} / (e^{s_ix/τ} + Σ_{k∈U(i)} n_ik e^{s_ik/τ}) )

    with cosine similarities s, averaged over rows; the second term is 0 if V(i) is empty. With w = 0, masked
    candidates are only removed. n_ik, usually 1, is the number of ordinary negatives that the negative k counts
    as. With only the two sides as arguments, the result is bit-identical to the parent's. Unlike in the parent,
    the queue is part of the state dict.

    A decoupled loss leaves the positive out of its denominator, and weighs it with w_i:

        ℓ(i, p) = −w_i s_ip/τ + log Σ_{k∈U(i)} n_ik e^{s_ik/τ}
        w_i = 2 − e^{s_ip/σ} / mean_j e^{s_jp/σ}, or 1 without σ

    A row that has no negatives left has the loss 0. The weights w_i are constants for the gradient.

    With further positives Q(i), such as the rows of the same class, a row is pulled to all of them:

        L_i = mean_{q∈{p}∪Q(i)} −log( e^{s_iq/τ} / (e^{s_ip/τ} + Σ_{k∈U(i)} n_ik e^{s_ik/τ}) )

    where U(i) contains Q(i), and further positives are never masked.

    Args:
        temperature: τ.
        memory_bank_size: (K, D) of the queue; 0 for negatives in the batch.
        gather_distributed: True to compare with the rows of all ranks.
        decoupled: True to leave the positive out of the denominator.
        positive_sigma: σ of the weights w_i of a decoupled loss; None for none.
        one_way: True to compare side 0, the queries, with side 1 of the batch, the keys, alone.
        robust: replaces ℓ(i, x), also in the attraction.
        soft: candidates share the target of a row with its positive; masked ones do not.

    Source: Shu et al., BMVC 2022, section 3.3; without masks Chen et al. 2020 (batch), He et al. 2020 (queue),
    Chen et al. 2021 (one way); decoupled Yeh et al., ECCV 2022; further positives Khosla et al. 2020, equation 2.
    """

    def __init__(
        self,
        temperature: float = 0.5,
        memory_bank_size: int | Sequence[int] = 0,
        gather_distributed: bool = False,
        decoupled: bool = False,
        positive_sigma: float | None = None,
        one_way: bool = False,
        robust: RobustInfoNCE | None = None,
        soft: SoftTargets | None = None,
    ) -> None:
        super().__init__(temperature, memory_bank_size, gather_distributed)
        self.decoupled, self.positive_sigma, self.one_way = decoupled, positive_sigma, one_way
        self.robust, self.soft = robust, soft
        if self.has_queue:
            saved(self.memory_bank)

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
        positives: Tensor | None = None,
    ) -> Tensor:
        """The loss with the mask, negatives and weights that are given.

        Args:
            out0, out1: [N, D] the two sides; row i of both is a pair. With a queue, queries and keys.
            masked: bool, True for a false negative. In batch [2N, 2G]: rows are side 0, then side 1 of this rank;
                columns are side 0, then side 1 of all ranks. The mask does not affect a row itself and its
                positive. One way [N, G]: queries and keys. With a queue [N, K], in the order of the queue
                before this call.
            negatives: [2N, E, D] in batch, [N, E, D] one way or with a queue: further negatives of each row, never
                masked.
            attract: w, the weight of the attraction.
            weights: of the shape of `masked`: n, the number that each candidate counts as, above 0.
            negative_weights: [2N, E] or [N, E], n of `negatives`.
            positives: bool, of the shape of `masked`: True for a further positive. Not for a decoupled
                or robust loss.

        Returns:
            [] the loss.
        """
        plain = not (self.decoupled or self.one_way or self.robust or self.soft)
        if plain and masked is None and negatives is None and weights is None and positives is None:
            return in_single_precision(super().forward, out0, out1)
        cancel, attraction = self.terms(
            out0, out1, masked, negatives, attract > 0, weights, negative_weights, positives
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
        positives: Tensor | None = None,
        step: int | None = None,
    ) -> LossTerms:
        """The loss of a step with the recipe's maskers and weights.

        Args:
            out0, out1: [N, D] the two sides, as in `forward`.
            rows: the 2N rows of both sides in batch, or the N queries one way or with a queue.
            candidates: the 2G rows in batch (`candidates_in_batch`), the G keys one way, or the K rows of the
                queue before this call (`RowQueue.rows`).
            maskers: the maskers of `MethodContext`.
            negatives, negative_weights, positives: as in `forward`. Maskers do not apply to these.
            step: optimiser steps done before this one, for maskers; `StepInputs.step`.

        Returns:
            The loss and, with maskers, its terms: `cancel_loss`, `attract_loss` (the sum of the attractions
            before their weights, and each one if there are several), and the terms of the maskers.
        """
        weights = weights_within_draws(rows, candidates)
        if not maskers:
            loss = self(out0, out1, None, negatives, 0.0, weights, negative_weights, positives)
            return LossTerms(loss, {})
        logits = self._logits(out0, out1, similarity=maskers.needs_similarity)
        masking = maskers.mask(
            rows,
            candidates,
            logits.similarity_SC,
            logits.is_negative(),
            step,
            self.temperature,
            logits.embeddings() if maskers.needs_embeddings else None,
        )
        negatives, negative_weights = joined_negatives(negatives, negative_weights, masking.negatives)
        masks = [attraction.masked for attraction in masking.attractions.values()]
        combined = _product(weights, masking.weights)
        cancel, attractions = self._terms(
            logits, masking.masked, masks, combined, negatives, negative_weights, positives
        )
        loss, total, each = cancel, cancel.new_zeros(()), {}
        for (key, attraction), term in zip(masking.attractions.items(), attractions, strict=True):
            loss = loss + attraction.weight * term
            total = total + term.detach()
            each[f"{key}_attract_loss"] = term.detach()
        terms = {"cancel_loss": cancel.detach(), "attract_loss": total, **(each if len(each) > 1 else {})}
        return LossTerms(loss, {**terms, **masking.terms})

    def terms(
        self,
        out0: Tensor,
        out1: Tensor,
        masked: Tensor | None = None,
        negatives: Tensor | None = None,
        attracting: bool = True,
        weights: Tensor | None = None,
        negative_weights: Tensor | None = None,
        positives: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """([], []): the loss without masked candidates, and the attraction before its weight. See `forward`."""
        masks = [masked] if attracting and masked is not None else []
        cancel, attractions = self._terms(
            self._logits(out0, out1), masked, masks, weights, negatives, negative_weights, positives
        )
        return cancel, attractions[0] if attractions else cancel.new_zeros(())

    parts = terms
    """The name of `terms` in API 1."""

    def _logits(self, out0: Tensor, out1: Tensor, similarity: bool = False) -> _Logits:
        """Compares the sides; in training, enqueues the second one."""
        out0, out1 = (F.normalize(single(side), dim=1) for side in (out0, out1))
        if self.has_queue:
            out1, queue_DK = self.memory_bank(out1, update=out0.requires_grad)
            rows_SD, positive_SD, all_CD = out0, out1, queue_DK.to(out0.device).T
        elif self.one_way:
            rows_SD, positive_SD, all_CD = out0, out1, self._gathered(out1)
        else:
            rows_SD, positive_SD, all_CD = (
                torch.cat([out0, out1]),
                torch.cat([out1, out0]),
                self._gathered(out0, out1),
            )
        logits_SC = self._scaled("sd,cd->sc", rows_SD, all_CD)
        positive_S = self._scaled("sd,sd->s", rows_SD, positive_SD)
        similarity_SC = logits_SC * self.temperature if similarity else None
        soft_SC = self._soft_logits(positive_SD, all_CD) if self.soft else None
        own_SP = None
        if not self.has_queue:
            own_SP = self._own_columns(len(out0), len(all_CD), out0.device)
            logits_SC = logits_SC.scatter(1, own_SP, -torch.inf)
            soft_SC = soft_SC if soft_SC is None else soft_SC.scatter(1, own_SP, -torch.inf)
        return _Logits(rows_SD, all_CD, positive_S, logits_SC, own_SP, similarity_SC, soft_SC)

    def _terms(
        self,
        logits: _Logits,
        masked: Tensor | None,
        attracted: Sequence[Tensor],
        weights: Tensor | None,
        negatives: Tensor | None,
        negative_weights: Tensor | None,
        positives: Tensor | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """The loss [] and the attraction [] of each mask in `attracted`, subsets of `masked`. See `forward`."""
        rows = len(logits.rows_SD)
        masked, positives = logits.without_own(masked), logits.without_own(positives)
        if positives is not None:
            masked = masked if masked is None else masked & ~positives
            weights = weights if weights is None else weights.masked_fill(positives, 1.0)
        row_V, column_V = _positions(masked, attracted, logits.logits_SC.device)
        log_weights = None if weights is None else weights.log()
        log_sum_S, masked_V = SplitNegatives.apply(logits.logits_SC, masked, log_weights, row_V, column_V)
        if negatives is not None:
            explicit_SE = self._scaled("sd,sed->se", logits.rows_SD, F.normalize(single(negatives), dim=2))
            if negative_weights is not None:
                explicit_SE = explicit_SE + negative_weights.log()
            log_sum_S = torch.logaddexp(log_sum_S, explicit_SE.logsumexp(dim=1))
        shares = self._shares(logits, masked, positives)
        if shares is None:
            cancel = self._against(log_sum_S, self._weighed(logits.positive_S)).mean()
        else:
            cancel = self._against_shares(log_sum_S, logits, shares).mean()
        attraction_V = self._against(log_sum_S[row_V], masked_V)
        if len(attracted) == 1:
            return cancel, [_mean_over_rows(attraction_V, row_V, rows)]
        among = [mask[row_V, column_V] for mask in attracted]
        return cancel, [_mean_over_rows(attraction_V[own_V], row_V[own_V], rows) for own_V in among]

    def _against(self, log_sum: Tensor, logit: Tensor) -> Tensor:
        """−log(e^x / (e^x + Σ e^k)) = log(1 + e^{log Σ − x}); decoupled log Σ − x, and 0 if Σ is empty."""
        if self.robust:
            return self.robust(log_sum, logit)
        difference = log_sum - logit
        return difference.masked_fill(log_sum.isneginf(), 0.0) if self.decoupled else F.softplus(difference)

    def _shares(self, logits: _Logits, masked: Tensor | None, positives: Tensor | None) -> Tensor | None:
        """[S, C] the share of each candidate in the target of a row; None if its positive has all of it."""
        if positives is not None:
            shares_SC = positives.to(logits.logits_SC.dtype)
            return shares_SC / (1 + shares_SC.sum(dim=1, keepdim=True))
        if self.soft is None or logits.soft_SC is None:
            return None
        soft_SC = logits.soft_SC if masked is None else logits.soft_SC.masked_fill(masked, -torch.inf)
        return self.soft.shares(soft_SC)

    def _against_shares(self, log_sum_S: Tensor, logits: _Logits, shares_SC: Tensor) -> Tensor:
        """[S] the cross-entropy with a target that candidates share; these are among the negatives of the sum.

        Raises:
            ValueError: for a decoupled or robust loss.
        """
        if self.decoupled or self.robust:
            raise ValueError("a decoupled or robust loss takes no further positives")
        total_S = torch.logaddexp(log_sum_S, logits.positive_S)
        further_S = (logits.logits_SC.masked_fill(shares_SC == 0, 0.0) * shares_SC).sum(dim=1)
        return total_S - (1 - shares_SC.sum(dim=1)) * logits.positive_S - further_S

    @torch.no_grad()
    def _soft_logits(self, positive_SD: Tensor, all_CD: Tensor) -> Tensor:
        """[S, C] the similarity of the positives to the candidates, over the temperature of the soft targets."""
        assert self.soft is not None
        return self._scaled("sd,cd->sc", positive_SD, all_CD) * (self.temperature / self.soft.temperature)

    def _weighed(self, positive_S: Tensor) -> Tensor:
        """The logits of the positives, times the weights of a decoupled loss."""
        if not self.decoupled or self.positive_sigma is None:
            return positive_S
        scaled_S = positive_S.detach() * (self.temperature / self.positive_sigma)
        everyone = gather_embeddings(scaled_S) if self.gather_distributed else scaled_S
        return (2 - len(everyone) * (scaled_S - everyone.logsumexp(dim=0)).exp()) * positive_S

    def _scaled(self, equation: str, one: Tensor, other: Tensor) -> Tensor:
        """Cosines of unit vectors, divided by the temperature, in the precision of the vectors.

        Autocast does not apply: with τ = 0.07, logits in bf16 would be multiples of 1/16.
        """
        with torch.autocast(one.device.type, enabled=False):
            return torch.einsum(equation, one / self.temperature, other)

    def _gathered(self, *sides_ND: Tensor) -> Tensor:
        """[·G, D] one side after the other, each of all ranks."""
        return torch.cat([gather_embeddings(side) if self.gather_distributed else side for side in sides_ND])

    def _own_columns(self, rows: int, columns: int, device: torch.device) -> Tensor:
        """[2N, 2]: the column of each row itself, and the column of its positive. One way [N, 1]: of its key."""
        own_N = torch.arange(rows, device=device)
        if self.gather_distributed and dist.world_size() > 1:
            own_N = own_N + dist.rank() * rows
        if self.one_way:
            return own_N[:, None]
        sides_N2 = torch.stack([own_N, own_N + columns // 2], dim=1)
        return torch.cat([sides_N2, sides_N2])


class _Logits(NamedTuple):
    """Cosines divided by the temperature.

    Attributes:
        rows_SD, all_CD: unit vectors of the rows and of the candidates.
        positive_S: each row with its positive.
        logits_SC: each row with the candidates; −∞ for a candidate that is not a negative.
        own_SP: in batch, the columns that are not negatives; None with a queue.
        similarity_SC: the cosines; None if no masker needs them.
        soft_SC: the logits of soft targets; None without them.
    """

    rows_SD: Tensor
    all_CD: Tensor
    positive_S: Tensor
    logits_SC: Tensor
    own_SP: Tensor | None
    similarity_SC: Tensor | None
    soft_SC: Tensor | None

    def embeddings(self) -> tuple[Tensor, Tensor]:
        """[S, D] and [C, D] of the rows and the candidates, detached."""
        return self.rows_SD.detach(), self.all_CD.detach()

    def is_negative(self) -> Tensor:
        """[S, C] bool."""
        every = torch.ones((), dtype=torch.bool, device=self.logits_SC.device).expand(self.logits_SC.shape)
        return every if self.own_SP is None else every.scatter(1, self.own_SP, False)

    def without_own(self, mask_SC: Tensor | None) -> Tensor | None:
        """The mask, False in the columns that are not negatives."""
        return mask_SC if mask_SC is None or self.own_SP is None else mask_SC.scatter(1, self.own_SP, False)


def _product(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return one * other if one is not None and other is not None else one if other is None else other


def _positions(
    masked: Tensor | None, attracted: Sequence[Tensor], device: torch.device
) -> tuple[Tensor, Tensor]:
    """[V] and [V] rows and columns of the masked pairs that attract."""
    if masked is None or not attracted:
        nowhere = torch.empty(0, dtype=torch.long, device=device)
        return nowhere, nowhere
    row_V, column_V = (masked & functools.reduce(torch.logical_or, attracted)).nonzero(as_tuple=True)
    return row_V, column_V


def _mean_over_rows(values_V: Tensor, row_V: Tensor, rows: int) -> Tensor:
    """[] the mean over all rows of the mean of each row's values; a row without values counts as 0."""
    per_row_S = torch.bincount(row_V, minlength=rows).clamp(min=1)
    return (values_V / per_row_S[row_V]).sum() / rows
