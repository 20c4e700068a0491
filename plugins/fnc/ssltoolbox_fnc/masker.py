"""The masker: false negatives leave the denominator, and are attracted if the option asks for it."""

from __future__ import annotations

import torch
from torch import Tensor

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker
from ssltoolbox_fnc import FNCOptions
from ssltoolbox_fnc.search import most_similar, support_similarity


class FNC(NegativeMasker[FNCOptions]):
    """Masks the most similar candidates of other samples.

    If the rows of both sides are compared, as in SimCLR, both views of an image vote, and the higher similarity
    counts. Keys of a momentum network are compared with the query alone.
    """

    needs_similarity = True

    def __init__(self, options: FNCOptions) -> None:
        super().__init__(options)
        self.attract = options.attract
        self.needs_step = options.warmup_steps > 0

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        eligible = comparison.eligible & comparison.negative
        if comparison.step is not None and comparison.step < self.options.warmup_steps:
            return MaskerAnswer(masked=torch.zeros_like(eligible))
        similarity = comparison.similarity
        if _of_both_sides(comparison.negative):
            similarity = support_similarity(similarity)
        return MaskerAnswer(
            masked=most_similar(similarity, eligible, self.options.top_k, self.options.threshold)
        )


def _of_both_sides(negative: Tensor) -> bool:
    """True if each row is compared with itself and its pair, which are no negatives."""
    return not len(negative) % 2 and bool(((~negative).sum(dim=1) == 2).all())
