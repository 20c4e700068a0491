"""The masker: false negatives leave the denominator, and are attracted if wanted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker, Rows
from ssltoolbox_fnc import FNCOptions
from ssltoolbox_fnc.search import have_pairs, most_similar, support_similarity


class FNC(NegativeMasker[FNCOptions], nn.Module):
    """Masks the most similar candidates of other samples.

    In the batch, both views of an image vote, and the higher similarity counts. Keys in a queue are compared
    with the query alone.
    """

    needs_similarity = True
    batches: Tensor

    def __init__(self, options: FNCOptions) -> None:
        super().__init__(options)
        self.attract = options.attract
        self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        eligible = comparison.eligible & comparison.negative
        if self.batches < self.options.warmup_batches:
            return MaskerAnswer(masked=torch.zeros_like(eligible))
        in_batch = not bool(comparison.negative.all()) and have_pairs(comparison.anchors)
        similarity = support_similarity(comparison.similarity) if in_batch else comparison.similarity
        return MaskerAnswer(
            masked=most_similar(similarity, eligible, self.options.top_k, self.options.threshold)
        )

    def update(self, rows: Rows, embeddings: Tensor) -> None:
        self.batches += 1
