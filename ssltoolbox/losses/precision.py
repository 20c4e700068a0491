"""Losses in single precision in a run of reduced precision."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def single(values: Tensor) -> Tensor:
    """The values in single precision or better."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def in_single_precision(loss: Callable[..., Tensor], *embeddings: Tensor) -> Tensor:
    """Computes a loss of embeddings in single precision or better.

    Cosines, and statistics over a batch such as variances and correlations, lose too many digits in bf16 and fp16.

    Examples:
        >>> sides = torch.randn(2, 4, 3, dtype=torch.bfloat16)
        >>> in_single_precision(lambda a, b: (a.T @ b).sum(), *sides).dtype
        torch.float32
    """
    with torch.autocast(embeddings[0].device.type, enabled=False):
        return loss(*map(single, embeddings))
