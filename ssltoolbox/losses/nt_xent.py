"""InfoNCE on cosine similarity, with masked false negatives, explicit negatives, and an attraction.

Shape letters: N rows of one side on this rank, G rows of one side over all ranks (N × ranks), C candidates,
K entries of the queue, E explicit negatives of a row, D embedding size, S rows that the loss is a mean of (2N in
batch, N with a queue or one way), P columns of a row that are never its negatives, V masked pairs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import lightly.loss
import torch
import torch.nn.functional as F
from lightly.utils import dist
from torch import Tensor

from ssltoolbox.api import LossTerms, Maskers, Rows
from ssltoolbox.losses.choices import RobustInfoNCE, SoftTargets
from ssltoolbox.losses.comparison import MOST_PAIRS, Sides, scaled
from ssltoolbox.losses.gather import gather_embeddings
from ssltoolbox.losses.pairs import joined_negatives, weights_within_draws
from ssltoolbox.losses.precision import in_single_precision, single
from ssltoolbox.losses.queue import saved
from ssltoolbox.losses.split_negatives import without


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
    as. With only the two sides as arguments, the result is bit-identical to that of lightly's class. Unlike there,
    the queue is part of the state dict.

    A decoupled loss leaves the positive out of its denominator, and multiplies it by w_i:

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
        positive_sigma: σ of the weights w_i of a decoupled loss; None for weights of 1.
        one_way: True to compare only queries (side 0) with keys (side 1 of the batch).
        robust: a loss that replaces ℓ(i, x), also in the attraction.
        soft: a rule by which candidates share the target of a row with its positive; masked ones do not.
        most_pairs: the largest number of logits, of pairs of a row and a candidate, in memory at once. If there
            are more pairs, the loss works on blocks of columns, and the backward pass computes each block again.

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
        most_pairs: int = MOST_PAIRS,
    ) -> None:
        super().__init__(temperature, memory_bank_size, gather_distributed)
        self.decoupled, self.positive_sigma, self.one_way = decoupled, positive_sigma, one_way
        self.robust, self.soft = robust, soft
        self.most_pairs = most_pairs
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
        """The loss, optionally with a mask, further negatives and weights.

        Args:
            out0, out1: [N, D] the two sides; row i of both is a pair. With a queue, queries and keys.
            masked: bool, True for a false negative. In batch [2N, 2G]: rows are side 0, then side 1 of this rank;
                columns are side 0, then side 1 of all ranks. The mask does not affect a row itself and its
                positive. One way [N, G]: queries and keys. With a queue [N, K], in the order of the queue
                before this call.
            negatives: [2N, E, D] in batch, [N, E, D] one way or with a queue: further negatives of each row, never
                masked.
            attract: w, the weight of the attraction.
            weights: in the shape of `masked`: n, the number that each candidate counts as, above 0.
            negative_weights: [2N, E] or [N, E], n of `negatives`.
            positives: bool, in the shape of `masked`: True for a further positive.

        Returns:
            [] the loss.

        Raises:
            ValueError: if a decoupled or robust loss gets `positives`.
        """
        choices = self.decoupled or self.one_way or self.robust or self.soft
        given = any(each is not None for each in (masked, negatives, weights, positives))
        if not (choices or given or self._is_large(len(out0))):
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
        sides = self._sides(out0, out1)
        masking = maskers.mask(
            rows,
            candidates,
            sides.similarity() if maskers.needs_similarity else None,
            sides.is_negative(),
            step,
            self.temperature,
            sides.embeddings() if maskers.needs_embeddings else None,
        )
        negatives, negative_weights = joined_negatives(negatives, negative_weights, masking.negatives)
        masks = [attraction.masked for attraction in masking.attractions.values()]
        combined = _product(weights, masking.weights)
        cancel, attractions = self._terms(
            sides, masking.masked, masks, combined, negatives, negative_weights, positives
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
            self._sides(out0, out1), masked, masks, weights, negatives, negative_weights, positives
        )
        return cancel, attractions[0] if attractions else cancel.new_zeros(())

    parts = terms
    """The name of `terms` in API 1."""

    def _is_large(self, pairs: int) -> bool:
        """True if the rows of so many pairs are compared by blocks of columns."""
        if self.has_queue:
            return pairs * self.memory_bank.size[0] > self.most_pairs
        ranks = dist.world_size() if self.gather_distributed else 1
        return 4 * pairs**2 * ranks > self.most_pairs

    def _sides(self, out0: Tensor, out1: Tensor) -> Sides:
        """The rows, their positives and the candidates; in training, enqueues the second side."""
        out0, out1 = (F.normalize(single(side), dim=1) for side in (out0, out1))
        if self.has_queue:
            out1, queue_DK = self.memory_bank(out1, update=out0.requires_grad)
            all_KD = queue_DK.to(out0.device).T
            return Sides(out0, out1, all_KD, None, self.temperature, self.most_pairs)
        if self.one_way:
            rows_SD, positive_SD, all_CD = out0, out1, self._gathered(out1)
        else:
            rows_SD, positive_SD = torch.cat([out0, out1]), torch.cat([out1, out0])
            all_CD = self._gathered(out0, out1)
        own_SP = self._own_columns(len(out0), len(all_CD), out0.device)
        return Sides(rows_SD, positive_SD, all_CD, own_SP, self.temperature, self.most_pairs)

    def _terms(
        self,
        sides: Sides,
        masked: Tensor | None,
        attracted: Sequence[Tensor],
        weights: Tensor | None,
        negatives: Tensor | None,
        negative_weights: Tensor | None,
        positives: Tensor | None,
    ) -> tuple[Tensor, list[Tensor]]:
        """The loss [] and the attraction [] of each mask in `attracted`, subsets of `masked`. See `forward`."""
        rows = len(sides.rows_SD)
        masked, positives = sides.without_own(masked), sides.without_own(positives)
        if positives is not None:
            masked = masked if masked is None else masked & ~positives
            weights = weights if weights is None else weights.masked_fill(positives, 1.0)
        shares_of, shared_S = self._shares(sides, masked, positives)
        sums = sides.sums(masked, attracted, weights, shares_of)
        log_sum_S, row_V = sums.log_sum_S, sums.row_V
        if negatives is not None:
            unit_SED = F.normalize(single(negatives), dim=2)
            explicit_SE = scaled("sd,sed->se", sides.rows_SD, unit_SED, self.temperature)
            if negative_weights is not None:
                explicit_SE = explicit_SE + negative_weights.log()
            log_sum_S = torch.logaddexp(log_sum_S, explicit_SE.logsumexp(dim=1))
        positive_S = sides.with_positive()
        if sums.further_S is None:
            cancel = self._against(log_sum_S, self._weighed(positive_S)).mean()
        else:
            # The cross-entropy with a target that candidates share, which are among the negatives of the sum.
            total_S = torch.logaddexp(log_sum_S, positive_S)
            cancel = (total_S - (1 - shared_S) * positive_S - sums.further_S).mean()
        attraction_V = self._against(log_sum_S[row_V], sums.masked_V)
        if len(attracted) == 1:
            return cancel, [_mean_over_rows(attraction_V, row_V, rows)]
        among = [mask[row_V, sums.column_V] for mask in attracted]
        return cancel, [_mean_over_rows(attraction_V[own_V], row_V[own_V], rows) for own_V in among]

    def _against(self, log_sum: Tensor, logit: Tensor) -> Tensor:
        """−log(e^x / (e^x + Σ e^k)) = log(1 + e^{log Σ − x}); decoupled log Σ − x, and 0 if Σ is empty."""
        if self.robust:
            return self.robust(log_sum, logit)
        difference = log_sum - logit
        return difference.masked_fill(log_sum.isneginf(), 0.0) if self.decoupled else F.softplus(difference)

    def _shares(
        self, sides: Sides, masked: Tensor | None, positives: Tensor | None
    ) -> tuple[Callable[[slice], Tensor] | None, Tensor]:
        """Block of columns → [S, B] the share of each candidate in the target of a row, and [S] their sums.

        None if the positive of a row has all of it.

        Raises:
            ValueError: for a decoupled or robust loss.
        """
        soft = self.soft
        if positives is None and soft is None:
            return None, sides.rows_SD.new_zeros(len(sides.rows_SD))
        if self.decoupled or self.robust:
            raise ValueError("a decoupled or robust loss takes no further positives")
        if positives is not None:
            each_S = 1 / (1 + positives.sum(dim=1)).to(sides.rows_SD.dtype)
            return lambda block: positives[:, block] * each_S[:, None], 1 - each_S
        assert soft is not None
        positive_SD, all_CD = sides.positive_SD.detach(), sides.all_CD.detach()

        def logits_of(block: slice) -> Tensor:
            logits_SB = scaled("sd,cd->sc", positive_SD, all_CD[block], soft.temperature)
            own_SP = sides.own_in(block)
            logits_SB = logits_SB if own_SP is None else without(logits_SB, own_SP)
            return logits_SB if masked is None else logits_SB.masked_fill(masked[:, block], -torch.inf)

        log_sums = [logits_of(block).logsumexp(dim=1) for block in sides.blocks()]
        log_sum_S = torch.stack(log_sums).logsumexp(dim=0)
        return lambda block: soft.shares(logits_of(block), log_sum_S), soft.shared(log_sum_S)

    def _weighed(self, positive_S: Tensor) -> Tensor:
        """The logits of the positives, times the weights of a decoupled loss."""
        if not self.decoupled or self.positive_sigma is None:
            return positive_S
        scaled_S = positive_S.detach() * (self.temperature / self.positive_sigma)
        everyone = gather_embeddings(scaled_S) if self.gather_distributed else scaled_S
        return (2 - len(everyone) * (scaled_S - everyone.logsumexp(dim=0)).exp()) * positive_S

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


def _product(one: Tensor | None, other: Tensor | None) -> Tensor | None:
    return one * other if one is not None and other is not None else one if other is None else other


def _mean_over_rows(values_V: Tensor, row_V: Tensor, rows: int) -> Tensor:
    """[] the mean over all rows of the mean of each row's values; a row without values counts as 0."""
    per_row_S = torch.bincount(row_V, minlength=rows).clamp(min=1)
    return (values_V / per_row_S[row_V]).sum() / rows
