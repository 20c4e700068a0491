"""Synthetic negatives.

Source: Kalantidis, Sariyildiz, Pion, Weinzaepfel and Larlus, *Hard Negative Mixing for Contrastive
Learning*, NeurIPS 2020.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ssltoolbox.api import Comparison, MaskerAnswer, NegativeMasker
from ssltoolbox_mochi import MoCHiOptions

LARGEST_SHARE_OF_ROW = 0.5
"""A synthetic negative is at most half the row itself."""


class MoCHi(NegativeMasker[MoCHiOptions]):
    """Adds negatives of a row, mixed from its most similar candidates. Candidates of its own draw are not mixed.

    Random numbers follow from the draw of the first row, which is unique in a run.
    """

    needs_similarity = True
    needs_embeddings = True

    def __init__(self, options: MoCHiOptions) -> None:
        super().__init__(options)
        self.needs_step = options.warmup_steps > 0

    def answer(self, comparison: Comparison) -> MaskerAnswer:
        assert comparison.similarity is not None
        assert comparison.embeddings is not None
        usable = comparison.eligible & comparison.negative
        is_early = comparison.step is not None and comparison.step < self.options.warmup_steps
        if is_early or not usable.any(dim=1).all():
            return MaskerAnswer()
        rows, candidates = comparison.embeddings
        scores = comparison.similarity.masked_fill(~usable, -torch.inf)
        order = scores.topk(min(self.options.hardest, scores.shape[1]), dim=1).indices
        count = usable.sum(dim=1, keepdim=True).clamp(max=order.shape[1])
        generator = torch.Generator(rows.device).manual_seed(int(comparison.anchors.draw[0]))

        def share(amount: int) -> Tensor:
            return torch.rand(len(rows), amount, device=rows.device, dtype=rows.dtype, generator=generator)

        def hard(amount: int) -> Tensor:
            """[A, amount, D] of the hardest candidates, at random."""
            return candidates[order.gather(1, (share(amount) * count).long())]

        pairs, with_row = self.options.pairs, self.options.with_row
        between = mixed(hard(pairs), hard(pairs), share(pairs))
        of_row = mixed(
            rows[:, None].expand(-1, with_row, -1), hard(with_row), LARGEST_SHARE_OF_ROW * share(with_row)
        )
        return MaskerAnswer(negatives=torch.cat([between, of_row], dim=1))


def mixed(one: Tensor, other: Tensor, share: Tensor) -> Tensor:
    """α · one + (1 − α) · other as unit vectors.

    Args:
        one, other: [A, E, D].
        share: [A, E] α.
    """
    return F.normalize(torch.lerp(other, one, share[..., None]), dim=-1)
