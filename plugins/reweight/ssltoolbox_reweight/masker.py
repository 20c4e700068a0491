"""Weights of negatives by similarity.

Sources: Robinson, Chuang, Sra and Jegelka, *Contrastive Learning with Hard Negative Samples*, ICLR 2021; β = 0:
Chuang, Robinson, Lin, Torralba and Jegelka, *Debiased Contrastive Learning*, NeurIPS 2020.
"""

from __future__ import annotations

import logging
import math

import torch
from torch import Tensor

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker, SslToolboxError
from ssltoolbox_reweight import ReweightOptions

log = logging.getLogger(__name__)
SMALLEST, EPSILON = 1e-30, 1e-6
"""The smallest weight, and the distance of a logarithm's argument from 0; both keep single precision finite."""


class Reweight(NegativeMasker[ReweightOptions]):
    """The weight of negative j of row i, with cosines s:

        w_ij = e^{β s_ij/τ} / mean_{k∈neg(i)} e^{β s_ik/τ}

    With τ⁺ > 0, the weights of a row are scaled so that their sum Σ n_ij e^{s_ij/τ} is

        g_i = max( (Σ_j w_ij e^{s_ij/τ} − τ⁺ |neg(i)| e^{s⁺_i/τ}) / (1 − τ⁺),  |neg(i)| e^{−1/τ} )
    """

    needs_similarity = True

    def __init__(self, options: ReweightOptions) -> None:
        super().__init__(options)
        self.differentiable = options.differentiable
        self._warned = False

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        negative = comparison.negative
        temperature = self._temperature(comparison)
        logits = comparison.similarity.to(torch.promote_types(comparison.similarity.dtype, torch.float32))
        logits = logits / temperature
        weighted = negative
        if self.options.same_clip:
            weighted = negative & (comparison.anchors.clip[:, None] == comparison.candidates.clip)
        weights = self._relative(logits, weighted)
        if not self.options.tau_plus:
            return MaskerAnswer(weights=weights)
        log_scale, clamped = self._debiased(logits, weights, negative, temperature)
        terms = {"clamped_share": clamped.float().mean().detach()}
        self._warn(terms["clamped_share"])
        weights = (weights.log() + log_scale[:, None]).exp().clamp(min=SMALLEST)
        return MaskerAnswer(weights=weights.where(negative, 1.0), terms=terms)

    def _temperature(self, comparison: Comparison) -> float:
        """
        Raises:
            SslToolboxError: if neither the options nor the method have one.
        """
        temperature = self.options.temperature or comparison.temperature
        if temperature is None:
            raise SslToolboxError("reweight: the method gives no temperature; write the option temperature")
        return temperature

    def _relative(self, logits: Tensor, weighted: Tensor) -> Tensor:
        """[A, C]: w of the weighted negatives, whose mean is 1; 1 elsewhere."""
        shares = (self.options.beta * logits).masked_fill(~weighted, -torch.inf).softmax(dim=1)
        weights = shares * weighted.sum(dim=1, keepdim=True)
        return weights.where(weighted, 1.0).clamp(min=SMALLEST)

    def _debiased(
        self, logits: Tensor, weights: Tensor, negative: Tensor, temperature: float
    ) -> tuple[Tensor, Tensor]:
        """[A] and [A]: the logarithm of g over the weighted sum, and True where g is at its lower bound."""
        tau_plus = self.options.tau_plus
        count = negative.sum(dim=1).to(logits.dtype)
        total = (weights.log() + logits).masked_fill(~negative, -torch.inf).logsumexp(dim=1)
        false = math.log(tau_plus) + count.log() + _positive(logits, negative, temperature)
        bound = count.log() - 1 / temperature - total
        share = (false - total).clamp(max=-EPSILON)
        corrected = torch.log1p(-share.exp()) - math.log1p(-tau_plus)
        clamped = (false >= total) | (corrected < bound)
        return torch.where(clamped, bound, corrected), clamped

    def _warn(self, clamped: Tensor) -> None:
        if not self._warned and clamped > 0.5:
            self._warned = True
            log.warning(
                "reweight: for %.0f%% of the rows the corrected sum is at its lower bound, so that their "
                "negatives have no effect; use a smaller tau_plus, or a larger temperature",
                100 * clamped,
            )


def _positive(logits: Tensor, negative: Tensor, temperature: float) -> Tensor:
    """[A] the logits of the positives.

    A row is compared with its positive and, if rows of both sides are compared, with itself, with cosine 1.

    Raises:
        SslToolboxError: if the positives are not among the candidates.
    """
    own = (~negative).sum(dim=1)
    if not ((own == 1) | (own == 2)).all():
        raise SslToolboxError(
            "reweight: tau_plus needs the positives among the candidates, which a queue does not have; write "
            "tau_plus: 0, or use a method that compares rows of the batch, such as simclr"
        )
    return logits.masked_fill(negative, 0).sum(dim=1) - (own - 1) / temperature
