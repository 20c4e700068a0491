"""The masker: false negatives leave the denominator, and are attracted if wanted."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker, Rows
from ssltoolbox_fnc import FNCOptions
from ssltoolbox_fnc.search import most_similar, support_similarity


class FNC(NegativeMasker[FNCOptions], nn.Module):
    """Masks the most similar candidates of other samples.

    If the rows of both sides are compared, as in SimCLR, both views of an image vote, and the higher similarity
    counts. Keys of a momentum network are compared with the query alone.
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
        similarity = comparison.similarity
        if _of_both_sides(comparison.negative):
            similarity = support_similarity(similarity)
        return MaskerAnswer(
            masked=most_similar(similarity, eligible, self.options.top_k, self.options.threshold)
        )

    def update(self, rows: Rows, embeddings: Tensor) -> None:
        self.batches += 1


def _of_both_sides(negative: Tensor) -> bool:
    """True if each row is compared with itself and its pair, which are no negatives."""
    return not len(negative) % 2 and bool(((~negative).sum(dim=1) == 2).all())
