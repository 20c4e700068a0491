"""Maskers that look at what the network has learned."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker, Options, Rows


class HarderMore(NegativeMasker[Options]):
    """Hard negatives count more: e^{β s/τ} over its mean (Robinson et al., ICLR 2021, without debiasing)."""

    needs_similarity = True

    def __init__(self, beta: float, temperature: float, differentiable: bool = False) -> None:
        super().__init__(Options())
        self.factor = beta / temperature
        self.differentiable = differentiable

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        grown = (self.factor * comparison.similarity).exp().where(comparison.negative, 0.0)
        mean = grown.sum(dim=1, keepdim=True) / comparison.negative.sum(dim=1, keepdim=True)
        return MaskerAnswer(weights=(grown / mean).where(comparison.negative, 1.0))


class LearnedThreshold(NegativeMasker[Options], nn.Module):
    """Masks what is more similar than pairs have been so far, on a running average."""

    needs_similarity = True
    attract = 0.5

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self.threshold: Tensor
        self.register_buffer("threshold", torch.tensor(0.5))

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        masked = comparison.eligible & (comparison.similarity > self.threshold)
        return MaskerAnswer(masked=masked, terms={"threshold": self.threshold.clone()})

    def update(self, rows: Rows, embeddings: Tensor) -> None:
        side_a, side_b = F.normalize(embeddings.float()).chunk(2)
        self.threshold.lerp_((side_a * side_b).sum(dim=1).mean().to(self.threshold.dtype), 0.3)
