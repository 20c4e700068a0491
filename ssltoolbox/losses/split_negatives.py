"""The sum over unmasked negatives and the logits of masked pairs, with one gradient.

Shape letters as in `ssltoolbox.losses.nt_xent`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


class SplitNegatives(torch.autograd.Function):
    """log Σ n·e^logit of the unmasked negatives, [S], and the logits of the masked pairs that attract, [V].

    The columns `own_SP` of a row are not negatives; columns that are not there don't count.

    Autograd would allocate a matrix of gradients for each of the two, and others for the masking. Here both share
    one, so that the loss needs less memory than the parent's.
    """

    @staticmethod
    def forward(
        ctx: Any,
        logits_SC: Tensor,
        own_SP: Tensor | None,
        masked_SC: Tensor | None,
        log_weights_SC: Tensor | None,
        row_V: Tensor,
        column_V: Tensor,
    ) -> tuple[Tensor, Tensor]:
        kept_SC = logits_SC if log_weights_SC is None else logits_SC + log_weights_SC
        kept_SC = kept_SC if masked_SC is None else kept_SC.masked_fill(masked_SC, -torch.inf)
        kept_SC = kept_SC if own_SP is None else without(kept_SC, own_SP)
        log_sum_S = kept_SC.logsumexp(dim=1)
        ctx.save_for_backward(kept_SC, log_sum_S, row_V, column_V)
        return log_sum_S, logits_SC[row_V, column_V]

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, grad_sum_S: Tensor, grad_masked_V: Tensor
    ) -> tuple[Tensor, None, None, Tensor | None, None, None]:
        kept_SC, log_sum_S, row_V, column_V = ctx.saved_tensors
        # A row without negatives has a sum of −∞ and no gradient.
        log_sum_S = log_sum_S.masked_fill(log_sum_S.isneginf(), 0.0)
        grad_SC = (kept_SC - log_sum_S[:, None]).exp_().mul_(grad_sum_S[:, None])
        grad_weights_SC = grad_SC.clone() if ctx.needs_input_grad[3] else None
        grad_SC[row_V, column_V] = grad_masked_V
        return grad_SC, None, None, grad_weights_SC, None, None


def without(logits_SC: Tensor, own_SP: Tensor) -> Tensor:
    """The logits, −∞ in the own columns of each row; own columns outside of the matrix don't count."""
    if logits_SC.shape[1] == 0:
        return logits_SC
    logits_SC = logits_SC.clone()
    for own_S1 in own_SP.split(1, dim=1):
        at_S1 = own_S1.clamp(0, logits_SC.shape[1] - 1)
        logits_SC.scatter_(1, at_S1, logits_SC.gather(1, at_S1).masked_fill(at_S1 == own_S1, -torch.inf))
    return logits_SC
