"""Choices of the loss of a row, in place of InfoNCE's.

Shape letters as in `ssltoolbox.losses.nt_xent`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class RobustInfoNCE:
    """A loss that is robust to wrong positives:

        ℓ(i, x) = −e^{q s_ix/τ}/q + (λ (e^{s_ix/τ} + Σ_{k∈U(i)} n_ik e^{s_ik/τ}))^q / q

    For q → 0 its gradient is that of InfoNCE. For q = 1 the loss is symmetric, and a pair that does not fit has
    the least effect.

    Attributes:
        q: above 0, at most 1.
        weight: λ, of the sum over positive and negatives.

    Source: Chuang et al., *Robust Contrastive Learning against Noisy Views*, CVPR 2022. Code: github.com/
    chingyaoc/RINCE.
    """

    q: float
    weight: float

    def __call__(self, log_sum: Tensor, logit: Tensor) -> Tensor:
        """The loss for the logarithm of the sum over the negatives, and the logit of the positive."""
        log_total = torch.logaddexp(log_sum, logit) + math.log(self.weight)
        return ((self.q * log_total).exp() - (self.q * logit).exp()) / self.q


@dataclass(frozen=True)
class SoftTargets:
    """Candidates share the target with the positive, by their similarity to it:

        w_i = λ · onehot(p) + (1 − λ) · softmax(s_p·/τ_m), with the logit 0 for p itself
        L_i = −Σ_c w_ic log( e^{s_ic/τ} / Σ_{k∈{p}∪U(i)} n_ik e^{s_ik/τ} )

    Attributes:
        share: λ, the share that only the positive has.
        temperature: τ_m. A low one leaves a share only to the most similar candidates.

    Source: Denize et al., *Similarity Contrastive Estimation for Self-Supervised Soft Contrastive Learning*, WACV
    2023. Code: github.com/juliendenize/eztorch.
    """

    share: float
    temperature: float

    def shares(self, logits_SC: Tensor, log_sum_S: Tensor | None = None) -> Tensor:
        """w of the candidates.

        Args:
            logits_SC: similarities of positives to candidates, over τ_m, -∞ for none.
            log_sum_S: log Σ e^logit of all candidates, where these are only some of them.
        """
        log_sum_S = logits_SC.logsumexp(dim=1) if log_sum_S is None else log_sum_S
        log_total_S = torch.logaddexp(log_sum_S, torch.zeros_like(log_sum_S))
        return (1 - self.share) * (logits_SC - log_total_S[:, None]).exp()

    def shared(self, log_sum_S: Tensor) -> Tensor:
        """[S] the sum of w over all candidates, for log Σ e^logit of them."""
        return (1 - self.share) * log_sum_S.sigmoid()
