"""The published attraction, as a loss that is added to NT-Xent."""

from __future__ import annotations

import torch
from torch import Tensor

from ssltoolbox.api import AuxiliaryInputs, AuxiliaryLoss, LossTerms, SslToolboxError
from ssltoolbox_fnc import FNCAttractionOptions
from ssltoolbox_fnc.search import most_similar, support_similarity


class FNCAttraction(AuxiliaryLoss[FNCAttractionOptions]):
    """The published loss of row i with positive p(i) and false negatives F(i) is

        −1/(1+|F(i)|) Σ_{c ∈ {p(i)} ∪ F(i)} s_ic/τ + log Σ_{c≠i} e^{s_ic/τ}

    so F(i) stays in the denominator. This loss is the difference to NT-Xent:

        1/(1+|F(i)|) Σ_{c ∈ F(i)} (s_ip − s_ic)/τ
    """

    def loss(self, inputs: AuxiliaryInputs) -> Tensor | LossTerms:
        similarity, temperature = inputs.similarity, self.options.temperature or inputs.temperature
        if temperature is None:
            raise SslToolboxError(
                "fnc_attraction: the method reports no temperature; write the option temperature"
            )
        if len(similarity) != len(inputs.rows) or not inputs.two_sides:
            raise SslToolboxError(
                "fnc_attraction: the method has no embeddings of both sides; use one that compares rows of the "
                "batch, such as simclr"
            )
        positive = similarity.roll(len(similarity) // 2, dims=1).diagonal()
        found = self._found(similarity.detach(), inputs)
        difference = ((positive[:, None] - similarity) * found).sum(dim=1) / (1 + found.sum(dim=1))
        share = found.float().mean()
        return LossTerms(difference.mean() / temperature, {"found_share": share})

    def _found(self, similarity: Tensor, inputs: AuxiliaryInputs) -> Tensor:
        """[2N, 2N] bool."""
        draw = inputs.rows.draw
        eligible = draw[:, None] != draw
        if inputs.step < self.options.warmup_steps:
            return torch.zeros_like(eligible)
        return most_similar(
            support_similarity(similarity), eligible, self.options.top_k, self.options.threshold
        )
