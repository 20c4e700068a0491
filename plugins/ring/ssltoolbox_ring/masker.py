"""The ring of negatives around a row.

Source: Wu, Mosse, Zhuang, Yamins and Goodman, *Conditional Negative Sampling for Contrastive Learning of Visual
Representations*, ICLR 2021. Code: github.com/mhw32/ring.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker
from ssltoolbox_ring import RingOptions

EPSILON = 1e-4
"""Shares of a whole number of candidates stay whole in single precision."""


class Ring(NegativeMasker[RingOptions]):
    """Masks the candidates outside the ring: the most similar ones, and the least similar ones.

    Candidates of the row's own draw, its hard negatives, are always negatives and have no rank.
    """

    needs_similarity = True

    def __init__(self, options: RingOptions) -> None:
        super().__init__(options)
        self.needs_step = options.anneal_steps > 0

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        ranked = comparison.eligible & comparison.negative
        outer = outer_share(self.options.outer, self.options.anneal_steps, comparison.step or 0)
        kept = in_ring(comparison.similarity, ranked, self.options.inner, outer)
        terms = {"outer_share": torch.tensor(outer, device=kept.device)}
        return MaskerAnswer(masked=ranked & ~kept, terms=terms)


def outer_share(last: float, anneal_steps: int, step: int) -> float:
    """The outer share at a step: it falls from 1 to `last` along a line.

    >>> [outer_share(0.5, 10, step) for step in (0, 5, 10, 99)]
    [1.0, 0.75, 0.5, 0.5]
    """
    left = max(0.0, 1 - step / anneal_steps) if anneal_steps else 0.0
    return last + (1 - last) * left


def in_ring(similarity: Tensor, ranked: Tensor, inner: float, outer: float) -> Tensor:
    """[A, C] bool: of the ranked candidates of each row, those from the share `inner` to the share `outer`.

    The most similar candidate has rank 0. Of n candidates, those of the ranks from ⌊inner·n⌋ up to, but not
    including, ⌈outer·n⌉ are kept. So a row keeps at least one.
    """
    order = similarity.masked_fill(~ranked, -torch.inf).argsort(dim=1, descending=True, stable=True)
    rank = order.argsort(dim=1)
    count = ranked.sum(dim=1, keepdim=True)
    first = (inner * count + EPSILON).floor()
    end = torch.maximum((outer * count - EPSILON).ceil(), first + 1)
    return ranked & (rank >= first) & (rank < end)
