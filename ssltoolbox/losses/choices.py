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

    def shares(self, logits_SC: Tensor) -> Tensor:
        """[S, C] similarities of positives to candidates, over τ_m, -∞ for none → w of the candidates."""
        positive_S1 = logits_SC.new_zeros(len(logits_SC), 1)
        soft_SC = torch.cat([positive_S1, logits_SC], dim=1).softmax(dim=1)[:, 1:]
        return (1 - self.share) * soft_SC
