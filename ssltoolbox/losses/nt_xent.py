"""InfoNCE on cosine similarity with false negatives left out, explicit negatives added, and an attraction.

Shape letters: N rows of one side on this rank, G rows of one side over all ranks (N × ranks), C candidates,
K entries of the queue, E explicit negatives of a row, D embedding size, S sides (2 in batch, 1 with a queue).
"""

from __future__ import annotations

from collections.abc import Sequence

import lightly.loss
import torch
import torch.nn.functional as F
from lightly.utils import dist
from torch import Tensor


class NTXentLoss(lightly.loss.NTXentLoss):
    """lightly's `NTXentLoss` for strategies that choose negatives and cancel false ones.

    For row i with positive p, the negatives that are left U(i), and the masked ones V(i):

        L_i = ℓ(i, p) + w · 1/|V(i)| Σ_{v∈V(i)} ℓ(i, v)
        ℓ(i, x) = −log( e^{s_ix/τ} / (e^{s_ix/τ} + Σ_{k∈U(i)} e^{s_ik/τ}) )

    with cosine similarities s, averaged over rows; the second sum is 0 where V(i) is empty. w = 0 only cancels.
    With nothing given beside the two sides, this is the parent, to the bit. Unlike the parent's, the queue is
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
    ) -> Tensor:
        """The loss, with the parts that strategies ask for.

        Args:
            out0, out1: [N, D] the two sides; row i of both is a pair. With a queue, queries and keys.
            masked: bool, True for a false negative. In batch [2N, 2G]: rows are side 0, then side 1 of this
                rank, columns the same of all ranks; a row itself and its positive are never taken out.
                With a queue [N, K], in the order of the queue before this call.
            negatives: [2N, E, D] in batch, [N, E, D] with a queue: further negatives of each row, never masked.
            attract: w, the weight that draws a row to what was masked for it.

        Returns:
            [] the loss.
        """
        if masked is None and negatives is None:
            loss: Tensor = super().forward(out0, out1)
            return loss
        cancel, attraction = self.parts(out0, out1, masked, negatives, attracting=attract > 0)
        return cancel + attract * attraction if attract > 0 else cancel

    def parts(
        self,
        out0: Tensor,
        out1: Tensor,
        masked: Tensor | None = None,
        negatives: Tensor | None = None,
        attracting: bool = True,
    ) -> tuple[Tensor, Tensor]:
        """([], []): the loss without what was masked, and the attraction before its weight. See `forward`."""
        out0, out1 = F.normalize(out0, dim=1), F.normalize(out1, dim=1)
        rows_SD = out0 if self.has_queue else torch.cat([out0, out1])
        if self.has_queue:
            logits_SC, positive_S = self._queue_logits(out0, out1)
            false_SC = _pad_left(masked, 1)
        else:
            logits_SC, positive_S = self._batch_logits(out0, out1)
            false_SC = masked
        if false_SC is None:
            false_SC = torch.zeros_like(logits_SC, dtype=torch.bool)
        false_SC = false_SC.scatter(1, positive_S[:, None], False) & logits_SC.isfinite()
        if negatives is not None:
            explicit_SE = (
                torch.einsum("sd,sed->se", rows_SD, F.normalize(negatives, dim=2)) / self.temperature
            )
            logits_SC = torch.cat([logits_SC, explicit_SE], dim=1)
            false_SC = F.pad(false_SC, (0, explicit_SE.shape[1]))
        kept_SC = logits_SC.masked_fill(false_SC, -torch.inf)
        cancel = self.cross_entropy(kept_SC, positive_S)
        if not attracting:
            return cancel, cancel.new_zeros(())
        return cancel, _attraction(logits_SC, kept_SC, positive_S, false_SC)

    def _queue_logits(self, query_ND: Tensor, key_ND: Tensor) -> tuple[Tensor, Tensor]:
        """[N, 1+K] logits with the positive first, and [N] its column."""
        key_ND, queue_DK = self.memory_bank(key_ND, update=query_ND.requires_grad)
        positive_N1 = torch.einsum("nd,nd->n", query_ND, key_ND)[:, None]
        negative_NK = torch.einsum("nd,dk->nk", query_ND, queue_DK.to(query_ND.device))
        logits_NC = torch.cat([positive_N1, negative_NK], dim=1) / self.temperature
        return logits_NC, torch.zeros(len(query_ND), dtype=torch.long, device=query_ND.device)

    def _batch_logits(self, out0_ND: Tensor, out1_ND: Tensor) -> tuple[Tensor, Tensor]:
        """[2N, 2G] logits, −∞ where a row meets itself, and [2N] the column of the positive."""
        distributed = self.gather_distributed and dist.world_size() > 1
        sides = (out0_ND, out1_ND)
        all_GD = [torch.cat(dist.gather(side)) if distributed else side for side in sides]
        columns = len(all_GD[0])
        own_N = torch.arange(len(out0_ND), device=out0_ND.device) + distributed * dist.rank() * len(out0_ND)
        logits_SC = torch.einsum("sd,cd->sc", torch.cat(sides), torch.cat(all_GD)) / self.temperature
        itself_S = torch.cat([own_N, own_N + columns])
        positive_S = torch.cat([own_N + columns, own_N])
        return logits_SC.scatter(1, itself_S[:, None], -torch.inf), positive_S


def _pad_left(mask: Tensor | None, columns: int) -> Tensor | None:
    return None if mask is None else F.pad(mask, (columns, 0))


def _attraction(logits_SC: Tensor, kept_SC: Tensor, positive_S: Tensor, false_SC: Tensor) -> Tensor:
    """[] mean over rows of the mean cross-entropy of a row's masked candidates against its negatives."""
    precision = torch.promote_types(logits_SC.dtype, torch.float32)
    negatives_SC = kept_SC.scatter(1, positive_S[:, None], -torch.inf)
    log_sum_S = torch.logsumexp(negatives_SC.to(precision), dim=1)
    row, column = false_SC.nonzero(as_tuple=True)
    # −log(e^v / (e^v + e^n)) = log(1 + e^{n−v})
    entropy = F.softplus(log_sum_S[row] - logits_SC[row, column].to(precision))
    weight = 1.0 / false_SC.sum(dim=1).clamp(min=1)
    return (entropy * weight[row]).sum() / len(logits_SC)
